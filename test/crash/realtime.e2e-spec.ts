import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { createDatabase, type Mode, MODES, mongoUriFor, SETTINGS } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { ServerProcess } from '../support/server-process.js';
import { type Frame, TestSocket } from '../e2e/realtime-client.js';
import { ofLength } from './length.js';
import { stopwatch } from '../support/machine-clock.js';

const rounds = Number(process.env.CRASH_ROUNDS || ofLength(2, 6));
const READERS = 3;
const WRITERS = 4;

/**
 * Follows a conversation at whatever instance lives, and comes back with the last `seq` that it
 * has.
 */
class Follower {
  readonly events: Frame[] = [];
  private stopped = false;
  private socket: TestSocket | undefined;
  readonly done: Promise<void>;

  constructor(
    private readonly person: TestClient,
    private readonly chatId: string,
    private readonly alive: () => ServerProcess[],
    private readonly index: number,
  ) {
    this.done = this.follow();
  }

  stop(): void {
    this.stopped = true;
    this.socket?.close();
  }

  private async follow(): Promise<void> {
    for (let turn = this.index; !this.stopped; turn++) {
      const servers = this.alive();
      const server = servers[turn % servers.length]!;
      try {
        this.socket = await TestSocket.on(
          this.person.at(server.url),
          this.chatId,
          this.events.at(-1)?.seq ?? 0,
        );
        await this.untilItCloses(this.socket);
      } catch {
        await sleep(50); // that one has just died
      }
    }
  }

  private async untilItCloses(socket: TestSocket): Promise<void> {
    let taken = 0;
    while (!socket.closed || taken < socket.events.length) {
      this.events.push(...socket.events.slice(taken));
      taken = socket.events.length;
      await sleep(5);
    }
  }
}

/** Posts until it is told to stop; what failed is sent again under its key to whoever lives. */
async function write(
  person: TestClient,
  chatId: string,
  name: string,
  alive: () => ServerProcess[],
  isOver: () => boolean,
): Promise<string[]> {
  const posted: string[] = [];
  for (let n = 0; !isOver(); n++) {
    const question = `${name}-${n}`;
    for (let turn = n; ; turn++) {
      const servers = alive();
      const client = person.at(servers[turn % servers.length]!.url);
      const answer = await client
        .post(
          `/chats/${chatId}/messages`,
          { question, response: 'a' },
          { 'idempotency-key': question },
        )
        .catch(() => undefined);
      if (answer?.status === 201) break;
      await sleep(30);
    }
    posted.push(question);
    await sleep(10);
  }
  return posted;
}

const settingsOf = (
  mode: Mode,
  databaseUrl: string,
  withRedis: boolean,
): Record<string, string> => ({
  ...SETTINGS,
  DATABASE_URL: databaseUrl,
  ...(mode === 'mongo' && { MONGODB_URI: mongoUriFor(databaseUrl) }),
  ...(withRedis && process.env.TEST_REDIS_URL && { REDIS_URL: process.env.TEST_REDIS_URL }),
});

/** Both stores and both ways between instances, in two runs and not in four. */
const CASES: [Mode, string][] = [
  ['postgres', 'PostgreSQL alone'],
  [MODES.at(-1)!, 'Redis'],
];

describe('kill -9 of the instance of a client, again and again', () => {
  it.each(CASES)(
    'words in %s, %s between the instances: resumed at the other one, it has every event once and in order',
    async (mode, between) => {
      const cwd = await mkdtemp(join(tmpdir(), 'banyan-realtime-'));
      const env = settingsOf(mode, await createDatabase(), between === 'Redis');
      const servers = await Promise.all([1, 2].map(() => ServerProcess.ready({ cwd, env })));
      const living = new Set(servers);
      const alive = (): ServerProcess[] => [...living];
      try {
        const person = await TestClient.register(servers[0]!.url);
        const { id } = await person.aChat();
        const state = { over: false };
        const writing = Promise.all(
          Array.from({ length: WRITERS }, (_, n) =>
            write(person, id, `w${n}`, alive, () => state.over),
          ),
        );
        const followers = Array.from(
          { length: READERS },
          (_, n) => new Follower(person, id, alive, n),
        );
        for (let round = 0; round < rounds; round++) {
          await sleep(300 + Math.random() * 500);
          const victim = alive()[round % 2]!;
          living.delete(victim);
          victim.kill();
          await victim.exit();
          living.add(await ServerProcess.ready({ cwd, env }));
        }
        state.over = true;
        const posted = (await writing).flat().sort();
        const last = posted.length + 1;
        for (
          const ran = stopwatch();
          ran() < 10_000 && followers.some(({ events }) => (events.at(-1)?.seq ?? 0) < last);
        )
          await sleep(50);
        for (const follower of followers) follower.stop();
        await Promise.all(followers.map(({ done }) => done));
        for (const { events } of followers) {
          expect(events.map(({ seq }) => seq)).toEqual(
            Array.from({ length: last }, (_, n) => n + 1),
          );
          expect(
            events
              .slice(1)
              .map(({ data }) => data.question)
              .sort(),
          ).toEqual(posted);
          expect(events.slice(1).map(({ data }) => data.seq)).toEqual(
            Array.from({ length: last - 1 }, (_, n) => n + 1),
          );
        }
        process.stderr.write(
          `realtime crash test, words in ${mode}, ${between}: ${rounds} deaths, ${posted.length} posts, ${READERS} followers\n`,
        );
      } finally {
        for (const server of living) server.kill();
        await rm(cwd, { recursive: true, force: true });
      }
    },
  );
});
