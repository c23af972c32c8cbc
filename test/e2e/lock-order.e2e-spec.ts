import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Journal } from '../../src/content/journal.js';
import { Relay } from '../../src/content/relay.js';
import { Database, untilDone } from '../../src/database/database.js';
import type { Job } from '../../src/modules/maintenance/job.js';
import { JOBS } from '../../src/modules/maintenance/job-runner.js';
import { SearchFollower } from '../../src/modules/search/search-follower.service.js';
import { SearchWalks } from '../../src/modules/search/search-walks.service.js';
import type { Loop } from '../../src/runtime/loop.js';
import { type Mode, MODES, startTestApp, type TestApp } from '../support/app.js';
import type { Answer } from '../support/client.js';
import { callAs, operations } from '../support/contract.js';
import { deadlocksIn } from '../support/deadlocks.js';
import {
  Interleaver,
  type Meeting,
  type Step,
  stopsOf,
  transactionsOf,
  wayOf,
} from '../support/interleaving.js';
import { watchStatements } from '../support/statement-watch.js';
import { WRITERS } from './background-writers.js';
import { MET_ORDERS } from './met-orders.js';
import { aScene, GOOD, type Scene } from './openapi-calls.js';

/**
 * Prepares what it needs in a scene; then it can be done at any instance, and says how it was
 * answered.
 */
type Piece = (scene: Scene) => Promise<(server: TestApp) => Promise<string>>;

/** A transaction of something that writes. */
interface Way {
  name: string;
  piece: Piece;
  steps: Step[];
}

const told = ({ status, body }: Answer): string =>
  `${status} ${body?.code ?? body?.error?.code ?? ''}`.trim();

const PIECES = new Map<string, Piece>();
for (const operation of operations.filter(({ method }) => method !== 'GET')) {
  const isKeyed = operation.parameters.some(({ name }) => name === 'Idempotency-Key');
  PIECES.set(operation.operationId, async (scene) => {
    const call = await GOOD[operation.operationId]!(scene);
    const headers = { ...call.headers, ...(isKeyed && { 'idempotency-key': randomUUID() }) };
    return async (server) =>
      told(await callAs(scene.ann.at(server.url), operation, { ...call, headers }));
  });
}
for (const [name, writer] of Object.entries(WRITERS)) {
  PIECES.set(name, async (scene) => {
    const work = await writer(scene);
    return (server) =>
      work(server).then(
        () => '200',
        (error: Error & { kind?: { status: number; code: string } }) =>
          error.kind ? `${error.kind.status} ${error.kind.code}` : `failed: ${error.message}`,
      );
  });
}

/** What may be told of things that somebody else changed a moment before. */
const FAIR =
  /^(2\d\d|401 invalid_refresh_token|404 (chat|message|webhook|api_key)_not_found|409 (generation_in_progress|answer_not_retryable|conversation_deleted|branch_has_children|webhook_disabled|idempotency_key_in_use))/;

/** And of what stands in its place only until another says it anew. */
const FAIR_OF: Readonly<Record<string, RegExp>> = {
  updateAuiMessage: /^409 branch_head_moved/,
  // One side alone is nobody's to erase where the pair has changed or is being answered.
  deleteAuiMessages: /^409 branch_head_moved/,
};

/** In the order of docs/decisions/0017-lock-order.md. */
const TABLES = [
  'chats, generations, messages, conversations, chat_contents, content_journal, events, idempotency_keys, generation_chunks, summary_marks',
  'message_search, search_accounts, summary_highlights, client_chats, chat_numbers, conversation_notes, webhook_accounts, api_keys',
]
  .join(', ')
  .split(', ');
const SAVE = TABLES.map((table) => `CREATE TABLE locks.${table} AS TABLE ${table}`).join('; ');
const BACK = [
  ...TABLES.map((table) => `DELETE FROM ${table}`),
  ...TABLES.map((table) => `INSERT INTO ${table} SELECT * FROM locks.${table}`),
].join('; ');

// With words in MongoDB the same transactions write `content_journal` in the place of
// `chat_contents`: only those that meet there meet again.
describe.each<Mode>(MODES)('all that writes, words in %s', (mode) => {
  let here: TestApp;
  let there: TestApp;
  let scene: Scene;
  let meetings: Interleaver;
  const seen = new Set<string>();

  beforeAll(async () => {
    here = await startTestApp(mode);
    there = await startTestApp(mode, {}, here.databaseUrl);
    for (const server of [here, there]) quieten(server);
    watchStatements(here.app.get(Database), ({ name }) => seen.add(name));
    meetings = await Interleaver.between(here, there);
    scene = await aScene(here);
    await meetings.sql.query(SAVE);
  });
  afterAll(async () => {
    await meetings.close();
    await Promise.all([here.close(), there.close()]);
  });

  /** The same conversation each time, as it was, and nothing else. */
  async function restored(): Promise<Scene> {
    await untilDone(() => meetings.sql.query(BACK));
    return { ...scene };
  }

  async function stepsOf(piece: Piece): Promise<Step[]> {
    const work = await piece(await restored());
    return meetings.steps(scene.ann.accountId, () => work(here));
  }

  const isFairTo = ({ name }: Way, answer: string): boolean =>
    FAIR.test(answer) || FAIR_OF[name]?.test(answer) === true;

  /** Some leave nothing to others, and so come last. */
  async function prepared(first: Piece, second: Piece) {
    let at = await restored();
    try {
      return [await first(at), await second(at)] as const;
    } catch {
      at = await restored();
      const two = await second(at);
      return [await first(at), two] as const;
    }
  }

  /**
   * All transactions that anybody makes. Of those that go the same way, statement by statement, the
   * shortest piece of work stands for all.
   */
  async function differentWays(): Promise<Way[]> {
    const ways = new Map<string, Way & { length: number }>();
    for (const [name, piece] of PIECES) {
      const all = await stepsOf(piece);
      for (const steps of transactionsOf(all)) {
        const known = ways.get(wayOf(steps));
        if (!known || known.length > all.length)
          ways.set(wayOf(steps), { name, piece, steps, length: all.length });
      }
    }
    return [...ways.values()];
  }

  /**
   * Lets them meet at the stops of the one that has fewer. A deadlock is found from either side:
   * this one holds what that one comes to want, and goes on to want what that one holds. The more
   * this one holds, the sooner that one waits, so where it waits in one place at two stops it does
   * so at all between.
   */
  async function faultsOf(a: Way, b: Way): Promise<string[]> {
    const [first, second] = stopsOf(a.steps).length <= stopsOf(b.steps).length ? [a, b] : [b, a];
    const stops = stopsOf(first.steps).sort((one, other) => one - other);
    const faults: string[] = [];
    const meet = async (stop: number): Promise<Meeting<string, string>> => {
      const [one, two] = await prepared(first.piece, second.piece);
      const met = await meetings.meet(
        scene.ann.accountId,
        stops[stop]!,
        () => one(here),
        () => two(there),
      );
      const isFair = isFairTo(first, met.first) && isFairTo(second, met.second);
      const where = `${first.name} (${met.first}) × ${second.name} (${met.second}), at step ${stops[stop]}`;
      if (met.deadlocks > 0 || !isFair) faults.push(`${met.deadlocks} deadlocks: ${where}`);
      return met;
    };
    const between = async (
      low: number,
      high: number,
      places: readonly [string | null, string | null],
    ): Promise<void> => {
      if (high - low < 2 || places[0] === places[1]) return;
      const middle = Math.floor((low + high) / 2);
      const { waited } = await meet(middle);
      await between(low, middle, [places[0], waited]);
      await between(middle, high, [waited, places[1]]);
    };
    const last = await meet(stops.length - 1);
    if (last.waited === null || stops.length === 1) return faults;
    const start = await meet(0);
    if (!start.emptyHanded) await between(0, stops.length - 1, [start.waited, last.waited]);
    return faults;
  }

  it('takes its locks in one order: whatever meets at whatever step, nobody is a deadlock’s victim', async () => {
    const ways = await differentWays();
    const faults: string[] = [];
    for (const [i, one] of ways.entries())
      for (const other of ways.slice(i))
        if (canMeet(one.steps, other.steps, mode)) faults.push(...(await faultsOf(one, other)));
    expect(faults).toEqual([]);
    expect(await deadlocksIn(here.databaseUrl)).toBe(0);
  }, 900_000);

  it('is known whole: each statement of the sources that writes was run here, and each job', () => {
    const unseen = writingStatements(mode).filter(
      (name) => ![...seen].some((other) => name.test(other)),
    );
    expect(unseen).toEqual([]);
    const jobs = here.app.get<Job[]>(JOBS, { strict: false }).map((job) => job.name);
    expect(
      jobs.filter((job) => !Object.keys(WRITERS).some((name) => name.startsWith(job))),
    ).toEqual([]);
  });

  it.each(MET_ORDERS.filter(({ modes }) => modes.includes(mode)))(
    'takes its locks in one order: $what',
    async ({ prepare }) => {
      const [work] = await prepare(await restored());
      const steps = await meetings.steps(scene.ann.accountId, () => work(here));
      const stops = stopsOf(steps);
      const deadlocks: number[] = [];
      for (const at of stops) {
        const [one, two] = await prepare(await restored());
        const met = await meetings.meet(
          scene.ann.accountId,
          at,
          () => one(here),
          () => two(there),
        );
        deadlocks.push(met.deadlocks);
      }
      expect(deadlocks).toEqual(stops.map(() => 0));
    },
  );

  it('and those who take them in two orders would be seen', async () => {
    const { chat } = await restored();
    const locked = async (server: TestApp, ...tables: string[]): Promise<string> => {
      return server.app.get(Database).transaction(async (tx) => {
        for (const table of tables)
          await tx.query(`UPDATE ${table} SET revision = revision + 1 WHERE chat_id = $1`, [
            chat.id,
          ]);
        return '200';
      });
    };
    const steps = await meetings.steps(scene.ann.accountId, () =>
      locked(here, 'chats', 'conversations'),
    );
    const stops = stopsOf(steps);
    let deadlocks = 0;
    for (const at of stops)
      deadlocks += (
        await meetings.meet(
          scene.ann.accountId,
          at,
          () => locked(here, 'chats', 'conversations'),
          () => locked(there, 'conversations', 'chats'),
        )
      ).deadlocks;
    expect(deadlocks).toBeGreaterThan(0);
  });
});

/**
 * What they do by themselves comes no more: it would be noted as the work of whoever is on, and
 * stopped in its place. Who calls them is served.
 */
function quieten({ app }: TestApp): void {
  const relay = app.get(Relay) as unknown as { run(): Promise<number> };
  relay.run = () => Promise.resolve(Infinity);
  const { marking } = app.get(Journal) as unknown as { marking: Loop };
  marking.wake = () => undefined;
  for (const search of [app.get(SearchFollower), app.get(SearchWalks)]) {
    const { loop } = search as unknown as { loop: Loop };
    loop.wake = () => undefined;
  }
}

/**
 * Only after a loss in MongoDB, of what it holds, and waits for nobody; or one row by its key, in a
 * transaction of its own, where something broke off or a client sends its history: who waits for
 * one row and holds no other is in no circle.
 */
const SELDOM =
  /relay\.lost|file\.give_up|leftover_later|note_history_place|transfer\.(give_up|release|forget)/;

/** The names of all statements in the sources that change something and run by themselves. */
function writingStatements(mode: string): RegExp[] {
  const sources = fileURLToPath(new URL('../../src', import.meta.url));
  const files = readdirSync(sources, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts'),
  );
  const statements = files.flatMap((file) => [
    ...readFileSync(join(sources, file), 'utf8').matchAll(
      /name: ['`]([^'`]+)['`],?\s*text: ([\s\S]*?)\n?\s*\}[;,)]/g,
    ),
  ]);
  return statements
    .filter(([, , text]) => /INSERT INTO|UPDATE \w+ |DELETE FROM|appendText|SPEND/.test(text!))
    .map(([, name]) => name!)
    .filter(
      (name) =>
        !SELDOM.test(name) &&
        (mode === 'mongo'
          ? !/^(content|file_store)\./.test(name)
          : !/^(relay|journal)\./.test(name)),
    )
    .map((name) => new RegExp(`^${name.replace('.', '\\.').replace(/\$\{.*?\}/, '.+')}$`));
}

/**
 * Whether they lock rows of two tables that are the same, or several of one: fewer cannot be taken
 * in two orders. Words in MongoDB differ by the rows of the journal.
 */
function canMeet(one: readonly Step[], other: readonly Step[], mode: string): boolean {
  const tables = (steps: readonly Step[]) => new Set(steps.at(-1)!.tables);
  const rowsIn = (steps: readonly Step[], table: string) =>
    steps.filter(({ what }) => what.startsWith('BEFORE') && what.split(' ')[2] === table);
  const others = tables(other);
  const shared = [...tables(one)].filter((table) => others.has(table));
  if (
    mode === 'mongo' &&
    ![one, other].every((steps) => rowsIn(steps, 'content_journal').length > 0)
  )
    return false;
  return (
    shared.length > 1 ||
    shared.some((table) => rowsIn(one, table).length > 1 && rowsIn(other, table).length > 1)
  );
}
