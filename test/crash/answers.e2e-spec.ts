import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { LEASE_SECONDS } from '../../src/modules/message/append.sql.js';
import { createDatabase, MODES, mongoUriFor, SETTINGS, withClient } from '../support/app.js';
import { AnswerReader } from '../support/answer-reader.js';
import { TestClient } from '../support/client.js';
import { FakeProvider } from '../support/fake-provider.js';
import { ServerProcess } from '../support/server-process.js';
import { runFsck, violationsOf } from './fsck.js';
import { ofLength } from './length.js';
import { stopwatch, undisturbed } from '../support/machine-clock.js';

const STREAMS = ofLength(15, 50);
const TOKEN_MS = 50;
/**
 * What may be lost is a quarter of a second, and what is on its way to PostgreSQL: on a busy
 * machine, with all of them at once, 3 s.
 */
const LOST_TOKENS_MAX = 3000 / TOKEN_MS;
/** More than are asked for while the others write, and than come before the kill. */
const TOKENS = 2000;
/** A look for leases that ran out, and a busy machine. */
const SEEN_MS = 30_000;

/** Every answer is another one: none can be taken for that of a neighbour. */
const tokensOf = (question: string): string[] =>
  Array.from({ length: TOKENS }, (_, i) => `${question}.${i} `);

describe.each(MODES)('kill -9 of the instance that writes answers, words in %s', (mode) => {
  let cwd: string;
  let provider: FakeProvider;
  let env: Record<string, string>;
  /** The other instance, which lives on. */
  let second: ServerProcess;
  const started: ServerProcess[] = [];

  beforeAll(async () => {
    cwd = await mkdtemp(join(tmpdir(), 'banyan-answers-'));
    provider = await FakeProvider.start();
    const url = await createDatabase();
    env = {
      ...SETTINGS,
      ...provider.settings({ ANSWERS_PER_ACCOUNT: '0' }),
      DATABASE_URL: url,
      ...(mode === 'mongo' && { MONGODB_URI: mongoUriFor(url) }),
    };
    second = await aServer();
  });
  afterEach(() => provider.reset());
  afterAll(async () => {
    for (const server of started) server.kill();
    await provider.close();
    await rm(cwd, { recursive: true, force: true });
  });

  const aServer = async (more: Record<string, string> = {}): Promise<ServerProcess> => {
    started.push(await ServerProcess.ready({ cwd, env: { ...env, ...more } }));
    return started.at(-1)!;
  };

  /**
   * As if its time had passed: the dead have said that they live for at most so much longer, and
   * what they have said is all that others go by.
   */
  const endLeases = (): Promise<void> =>
    withClient(env.DATABASE_URL!, async (sql) => {
      const { rows } = await sql.query(
        `SELECT coalesce(max(lease_until) <= now() + interval '${LEASE_SECONDS} s', true) AS are_short FROM generations`,
      );
      expect(rows).toEqual([{ are_short: true }]);
      await sql.query(`UPDATE generations SET lease_until = now() - interval '1 s'`);
    });

  const ended = async (person: TestClient, chatId: string, responseId: string): Promise<any> => {
    for (const ran = stopwatch(); ; await sleep(200)) {
      const { body } = await person.get(`/chats/${chatId}/messages/${responseId}`);
      if (body.status !== 'streaming' || ran() > SEEN_MS) return body;
    }
  };

  it(`in the middle of ${STREAMS} of them leaves each interrupted, with the text that was there, to be retried at another instance`, async () => {
    const first = await aServer();
    provider.always(({ body }) => ({
      tokens: tokensOf(body.messages.at(-1).content),
      delayMs: TOKEN_MS,
    }));
    const people = await Promise.all(
      Array.from({ length: 5 }, () => TestClient.register(first.url)),
    );
    const asked = await Promise.all(
      Array.from({ length: STREAMS }, async (_, i) => {
        const person = people[i % people.length]!;
        const { id } = await person.aChat();
        const reader = await AnswerReader.ask(
          person,
          id,
          `q${i}`,
          {},
          { 'idempotency-key': `k${i}` },
        );
        return {
          person: person.at(second.url),
          id,
          question: `q${i}`,
          key: `k${i}`,
          reader: await reader.pieces(1),
        };
      }),
    );
    // Of each there is more than may be lost.
    await Promise.all(asked.map(({ reader }) => reader.pieces(LOST_TOKENS_MAX + 20)));
    const reading = asked.map(({ reader }) => reader.end().catch(() => null));
    first.kill();
    await Promise.all(reading);
    await endLeases();
    const pairs = await Promise.all(
      asked.map(({ person, id, reader }) => ended(person, id, reader.accepted.response_id)),
    );
    expect(pairs.map(({ status }) => status)).toEqual(Array(STREAMS).fill('interrupted'));
    for (const [i, { reader, question }] of asked.entries()) {
      const { response } = pairs[i];
      expect(tokensOf(question).join('').startsWith(response)).toBe(true);
      expect(response.split(' ').length - 1).toBeGreaterThanOrEqual(
        reader.deltas.length - LOST_TOKENS_MAX,
      );
      expect(reader.deltas.length).toBeGreaterThanOrEqual(LOST_TOKENS_MAX + 20);
    }
    provider.always({ tokens: ['Now.'] });
    const one = asked[0]!;
    // Under its key the post is answered with what became of it, and not made again.
    const again = await one.person.post(
      `/chats/${one.id}/messages`,
      { question: 'q0', stream: true },
      { 'idempotency-key': one.key },
    );
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect(again.text).toContain('event: message.failed');
    const retried = await one.person.post(
      `/chats/${one.id}/messages/${pairs[0].response_id}/retry`,
    );
    expect(retried.body).toMatchObject({
      response_id: pairs[0].response_id,
      status: 'complete',
      response: 'Now.',
      version: 3,
    });
  }, 240_000);

  it.each([
    ['before', 'interrupted'],
    ['after', 'complete'],
  ])('%s the commit of its end leaves it %s, with all its text', async (side, status) => {
    const first = await aServer({ FAILPOINT: `answer.${side}_end` });
    const person = await TestClient.register(first.url);
    const { id } = await person.aChat();
    provider.always({ tokens: tokensOf('q').slice(0, 20), delayMs: 30 });
    const reader = await AnswerReader.ask(person, id, 'q');
    await reader.end().catch(() => null);
    expect(await first.exit()).toBeNull();
    await endLeases();
    const pair = await ended(person.at(second.url), id, reader.accepted.response_id);
    expect([pair.status, pair.response]).toEqual([status, tokensOf('q').slice(0, 20).join('')]);
    const next = await person.at(second.url).post(`/chats/${id}/messages`, { question: 'next' });
    expect([next.status, next.body.seq]).toEqual([201, 2]);
  });

  const stopsInTime = async (): Promise<void> => {
    const first = await aServer({ SHUTDOWN_TIMEOUT_SECONDS: '3' });
    const person = await TestClient.register(first.url);
    const [quick, slow] = [await person.aChat(), await person.aChat()];
    provider.always(({ body }) => ({
      tokens: tokensOf('q').slice(0, body.messages.at(-1).content === 'quick' ? 10 : 400),
      delayMs: TOKEN_MS,
    }));
    const readers = [
      await AnswerReader.ask(person, quick.id, 'quick'),
      await AnswerReader.ask(person, slow.id, 'slow'),
    ];
    await Promise.all(readers.map((reader) => reader.pieces(1)));
    const ends = readers.map((reader) => reader.end());
    expect(await first.stop()).toBe(0);
    expect((await Promise.all(ends)).map(({ event, data }) => [event, data.status])).toEqual([
      ['message.completed', 'complete'],
      ['message.failed', 'interrupted'],
    ]);
    const pair = (
      await person
        .at(second.url)
        .get(`/chats/${slow.id}/messages/${readers[1]!.accepted.response_id}`)
    ).body;
    expect([pair.status, pair.response]).toEqual(['interrupted', readers[1]!.text]);
  };
  // It gives three seconds, of which the quick one needs half a second.
  it('by its own stop (SIGTERM) gives answers time, and then ends them at once as interrupted', () =>
    undisturbed(stopsInTime));

  it('leaves both stores of one mind', async () => {
    expect(violationsOf(await runFsck(env, '--json'))).toEqual({});
  });
});
