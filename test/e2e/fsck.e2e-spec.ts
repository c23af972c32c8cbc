import { randomUUID } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import mongoose from 'mongoose';
import { bodyOf, sha256Of } from '../../src/content/body.js';
import { REDACTED_BODY } from '../../src/content/places.js';
import { type FsckRun, runFsck, violationsOf } from '../crash/fsck.js';
import {
  type Mode,
  MODES,
  mongoUriFor,
  startTestApp,
  type TestApp,
  withClient,
} from '../support/app.js';
import { TestClient } from '../support/client.js';
import { processesOn, ServerProcess } from '../support/server-process.js';

/** A damage, the invariant that must be found violated by it, and whether a repair mends it. */
interface Damage {
  name: string;
  invariant: string;
  mended: boolean;
  /** What lies beside what it harms is mended all the same. */
  mendsBeside?: boolean;
  /** What else it violates. */
  too?: string[];
  only?: Mode;
  sql?: string;
  mongo?: (buckets: mongoose.mongo.Collection<any>, root: string) => Promise<unknown>;
}

const WORD = 'zanzibar';
/** The first pair, as it was rewritten in a time that PostgreSQL does not remember. */
const LATER = { question: 'q1', response: 'of another time', metadata: null };
const HOURS_AGO = new Date(Date.now() - 7_200_000);

/** Foreign keys are not looked at in this session. */
const UNCHECKED = 'SET session_replication_role = replica';
const WEBHOOKS = 'INSERT INTO webhook_accounts VALUES ($account, now())';

/** $account owns one conversation: $root, and $branch forked from its second pair. */
const DAMAGES: Damage[] = [
  {
    name: 'a pair is gone from the middle of a chat, and keeps the words of it',
    invariant: 'I5',
    too: ['I1', 'I4', 'I6'],
    mended: false,
    only: 'postgres',
    sql: `DELETE FROM messages WHERE chat_id = $root AND seq = 2`,
  },
  {
    name: 'a pair is gone from the middle of a chat',
    invariant: 'I5',
    too: ['I1', 'I6'],
    mended: false,
    only: 'mongo',
    sql: `DELETE FROM messages WHERE chat_id = $root AND seq = 2`,
  },
  {
    name: 'last_seq is behind',
    invariant: 'I5',
    mended: true,
    sql: `UPDATE chats SET last_seq = last_seq - 1 WHERE chat_id = $branch`,
  },
  {
    name: 'the head is another pair',
    invariant: 'I5',
    mended: true,
    sql: `UPDATE chats SET last_response_id = NULL WHERE chat_id = $root`,
  },
  {
    name: 'a fork point is another pair',
    invariant: 'I6',
    mended: false,
    sql: `UPDATE chats SET fork_response_id = $uuid WHERE chat_id = $branch`,
  },
  {
    name: 'a jump pointer leads elsewhere',
    invariant: 'I6',
    mended: true,
    sql: `UPDATE chats SET jump_chat_id = chat_id, depth = 7 WHERE chat_id = $branch`,
  },
  {
    name: 'nobody is active',
    invariant: 'I7',
    mended: true,
    sql: `UPDATE chats SET active = false WHERE root_chat_id = $root`,
  },
  {
    name: 'two chats are active',
    invariant: 'I7',
    mended: true,
    sql: `DROP INDEX IF EXISTS chats_one_active; UPDATE chats SET active = true WHERE root_chat_id = $root`,
  },
  {
    name: 'event_seq ran ahead',
    invariant: 'I8',
    mended: true,
    sql: `UPDATE conversations SET event_seq = event_seq + 5 WHERE chat_id = $root`,
  },
  {
    name: 'an event is gone',
    invariant: 'I8',
    mended: false,
    sql: `DELETE FROM events WHERE root_chat_id = $root AND seq = 2`,
  },
  {
    name: 'an announced pair is another',
    invariant: 'I1',
    mended: false,
    sql: `UPDATE events SET response_id = $uuid WHERE root_chat_id = $root AND seq = 2`,
  },
  {
    name: 'a pair waits for nobody',
    invariant: 'I10',
    mended: true,
    sql: `UPDATE messages SET status = 'streaming' WHERE chat_id = $root AND seq = 1`,
  },
  {
    name: 'a chat is busy with nothing',
    invariant: 'I10',
    mended: true,
    sql: `UPDATE chats SET generation_id = $uuid WHERE chat_id = $root`,
  },
  {
    name: 'a stored answer is cut off',
    invariant: 'I9',
    mended: false,
    sql: `UPDATE idempotency_keys SET answer = left(answer, 50) WHERE account_id = $account`,
  },
  {
    name: 'a pair is the answer of two keys',
    invariant: 'I2',
    mended: false,
    sql: `INSERT INTO idempotency_keys SELECT account_id, scope, key || 'b', fingerprint, status, answer, created_at FROM idempotency_keys
      WHERE account_id = $account AND scope LIKE '%/messages'`,
  },
  {
    name: 'a redacted pair has words',
    invariant: 'I18',
    mended: false,
    mendsBeside: true,
    sql: `UPDATE messages SET status = 'redacted', author = '${WORD}' WHERE chat_id = $root AND seq = 1`,
  },
  {
    name: 'a quote of a redacted pair is left',
    invariant: 'I18',
    mended: true,
    only: 'postgres',
    sql: `UPDATE messages SET status = 'redacted', bytes = octet_length('${REDACTED_BODY}'), sha256 = sha256('${REDACTED_BODY}') WHERE chat_id = $root AND seq = 1;
      UPDATE chat_contents SET body = '${REDACTED_BODY}' WHERE chat_id = $root AND seq = 1;
      INSERT INTO summary_highlights SELECT account_id, chat_id, 1, jsonb_build_array(jsonb_build_object('response_id', response_id, 'quote', '${WORD}')), 'm'
      FROM messages WHERE chat_id = $root AND seq = 1`,
  },
  {
    name: 'words are gone',
    invariant: 'I3',
    mended: false,
    only: 'postgres',
    sql: `DELETE FROM chat_contents WHERE chat_id = $root AND seq = 1`,
  },
  {
    name: 'words are other words',
    invariant: 'I3',
    mended: false,
    only: 'postgres',
    sql: `UPDATE chat_contents SET body = replace(body, '${WORD}', 'somewhere') WHERE chat_id = $root AND seq = 3`,
  },
  {
    name: 'words are of the future',
    invariant: 'I16',
    mended: false,
    only: 'postgres',
    sql: `UPDATE chat_contents SET version = 2 WHERE chat_id = $root AND seq = 1`,
  },
  {
    name: 'words of nobody are kept',
    invariant: 'I4',
    mended: true,
    only: 'postgres',
    sql: `INSERT INTO chat_contents SELECT account_id, $uuid, 1, 1, body FROM chat_contents WHERE chat_id = $root AND seq = 1`,
  },
  {
    name: 'words are gone from MongoDB and the journal',
    invariant: 'I3',
    mended: false,
    only: 'mongo',
    sql: `DELETE FROM content_journal WHERE account_id = $account`,
    mongo: (buckets, root) =>
      buckets.updateOne({ chat_id: root }, { $pull: { qa_pairs: { seq: 1 } } } as object),
  },
  {
    name: 'words in MongoDB are of the future, and the journal has the right ones',
    invariant: 'I16',
    mended: true,
    only: 'mongo',
    mongo: (buckets, root) =>
      buckets.updateOne({ chat_id: root }, { $set: { 'qa_pairs.0.version': 9 } }),
  },
  {
    name: 'words in MongoDB are of the future, and they are the only ones',
    invariant: 'I16',
    mended: true,
    only: 'mongo',
    sql: `DELETE FROM content_journal WHERE account_id = $account`,
    mongo: (buckets, root) =>
      buckets.updateOne(
        { chat_id: root },
        {
          $set: {
            'qa_pairs.0.version': 9,
            'qa_pairs.0.response': LATER.response,
            'qa_pairs.0.sha256': sha256Of(bodyOf(LATER)).toString('hex'),
          },
        },
      ),
  },
  {
    name: 'the mirror of branches is empty',
    invariant: 'I14',
    mended: true,
    only: 'mongo',
    sql: `DELETE FROM content_journal WHERE account_id = $account`,
    mongo: (buckets, root) =>
      buckets.updateOne(
        { chat_id: root },
        { $set: { 'qa_pairs.1.branches': [], 'qa_pairs.1.branches_total': 0 } },
      ),
  },
  {
    name: 'a bucket names another account',
    invariant: 'I14',
    mended: true,
    only: 'mongo',
    mongo: (buckets, root) =>
      buckets.updateOne({ chat_id: root }, { $set: { account_id: randomUUID() } }),
  },
  ...[
    ['a client’s id is of no chat', `INSERT INTO client_chats VALUES ($account, 'trip', $uuid)`],
    ['notes are of no chat', `INSERT INTO conversation_notes VALUES ($account, $uuid, '{}')`],
    [
      'quotes are of no chat',
      `INSERT INTO summary_highlights VALUES ($account, $uuid, 1, '[]', 'offline')`,
    ],
    [
      'words are counted to no pair',
      `INSERT INTO summary_marks VALUES ($account, $root, 100, 1, 1, '{}', '{}')`,
    ],
    [
      'tokens are counted of no pair',
      `INSERT INTO message_tokens VALUES ($account, $root, 100, 1, 1)`,
    ],
    [
      'a number is of no chat',
      `INSERT INTO chat_number_counters VALUES ($account, 1); INSERT INTO chat_numbers VALUES ($account, 1, $uuid)`,
    ],
    ['a number is still to be given', `INSERT INTO chat_numbers VALUES ($account, 7, $root)`],
    [
      'a position is of no conversation',
      `${WEBHOOKS}; INSERT INTO webhook_positions VALUES ($account, $uuid, 1)`,
    ],
    [
      'a position is ahead',
      `${WEBHOOKS}; INSERT INTO webhook_positions VALUES ($account, $root, 999)`,
    ],
    [
      'a delivery is of no webhook',
      `INSERT INTO webhook_deliveries (account_id, webhook_id, delivery_id, type, payload, due_at, created_at)
       VALUES ($account, $uuid, $uuid, 'webhook.test', '{}', 'infinity', now())`,
    ],
  ].map(([name, sql]) => ({
    name: name!,
    invariant: 'I17',
    mended: true,
    sql: `${UNCHECKED}; ${sql}`,
  })),
  {
    name: 'a pair is found that does not exist',
    invariant: 'I19',
    mended: true,
    sql: `${UNCHECKED}; INSERT INTO message_search (account_id, response_id, root_chat_id, chat_id, seq, version, is_final, message_type, created_at, words)
      VALUES ($account, $uuid, $root, $root, 99, 1, true, 'text', now(), '')`,
  },
  {
    name: 'pairs are found by words that they never had',
    invariant: 'I19',
    mended: true,
    sql: `INSERT INTO message_search (account_id, response_id, root_chat_id, chat_id, seq, version, is_final, message_type, created_at, words)
      SELECT account_id, response_id, root_chat_id, chat_id, seq, 99, true, 'text', now(), '' FROM messages WHERE account_id = $account
      ON CONFLICT (account_id, response_id) DO UPDATE SET version = 99`,
  },
  {
    name: 'a webhook is of no account with webhooks',
    invariant: 'I17',
    mended: false,
    sql: `${UNCHECKED}; INSERT INTO webhooks (account_id, webhook_id, url, events, secret, created_at, updated_at)
      VALUES ($account, $uuid, 'https://example.com/', '{}', '', now(), now())`,
  },
  {
    name: 'words of nobody are in MongoDB',
    invariant: 'I4',
    mended: true,
    only: 'mongo',
    mongo: (buckets, root) =>
      buckets.updateOne({ chat_id: root }, {
        $push: {
          qa_pairs: {
            response_id: randomUUID(),
            seq: 99,
            version: 1,
            timestamp: HOURS_AGO,
            question: WORD,
          },
        },
      } as object),
  },
];

interface Victim {
  account: string;
  root: string;
  branch: string;
}

describe.each(MODES)('fsck, words in %s', (mode) => {
  const damages = DAMAGES.filter(({ only }) => !only || only === mode);
  let server: TestApp;

  beforeAll(async () => {
    // The journal keeps its rows, so that a damage of MongoDB is not mended by the relay before
    // fsck sees it.
    server = await startTestApp(mode, { JOURNAL_RETENTION_SECONDS: '3600' });
  });
  afterAll(() => server.close());

  const env = (): Record<string, string> => ({
    DATABASE_URL: server.databaseUrl,
    ...(mode === 'mongo' && { MONGODB_URI: mongoUriFor(server.databaseUrl) }),
  });

  /** A conversation with branches, some of it made with keys, of an account of its own. */
  async function aVictim(): Promise<Victim> {
    const ann = await TestClient.register(server.url);
    const root = await ann.aChat(2);
    await ann.post(
      `/chats/${root.id}/messages`,
      { question: WORD, response: 'an island' },
      { 'idempotency-key': randomUUID() },
    );
    const { body } = await ann.post(
      `/chats/${root.id}/branches`,
      { response_id: root.pairs[1] },
      { 'idempotency-key': randomUUID() },
    );
    await ann.append(body.chat_id, 'elsewhere');
    await ann.aBranch(body.chat_id, root.pairs[0]!);
    await ann.delete(`/chats/${await ann.aBranch(root.id, null)}`);
    return { account: ann.accountId, root: root.id, branch: body.chat_id };
  }

  async function harm({ sql, mongo }: Damage, ids: Victim): Promise<void> {
    const values: Record<string, string> = { ...ids, uuid: randomUUID() };
    const text = sql?.replace(
      /\$(account|root|branch|uuid)/g,
      (_all, name: string) => `'${values[name]}'`,
    );
    if (text) await withClient(server.databaseUrl, (client) => client.query(text));
    if (!mongo) return;
    const connection = await mongoose.createConnection(mongoUriFor(server.databaseUrl)).asPromise();
    await mongo(connection.db!.collection('chat_contents'), ids.root);
    await connection.close();
  }

  /** The invariants that are violated in what belongs to the account. */
  const violatedFor = (run: FsckRun, { account, root }: Victim): string[] =>
    run.report.invariants
      .filter((one: any) =>
        one.examples.some(
          ({ ids }: any) => ids.account_id === account || ids.bucket?.startsWith(root),
        ),
      )
      .map((one: any) => one.id);

  it('finds nothing wrong on a healthy server, and says what it looked at', async () => {
    await aVictim();
    const plain = await runFsck(env());
    expect(plain.stdout).toMatch(/^ok {3}I6 .*\(4 chats, \d+ ms\)$/m);
    expect(plain.stdout).toContain('Everything holds');
    expect(plain.code).toBe(0);
    const { report, code } = await runFsck(env(), '--json');
    expect([code, report.ok, report.content, report.repaired]).toEqual([0, true, mode, null]);
    expect(report.invariants.find((one: any) => one.id === 'I3')).toMatchObject({
      checked: { pairs: 4 },
      violations: 0,
      examples: [],
    });
  });

  it('says what it is for, and refuses what it does not know', async () => {
    expect((await runFsck({}, '--help')).stdout).toContain('--repair');
    expect((await runFsck({}, '--repairs')).code).toBe(2);
    expect(await runFsck({ DATA_DIR: '/nowhere' }, '--json')).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('DATA_DIR'),
    });
  });

  describe('on a damaged server', () => {
    const victims = new Map<Damage, Victim>();
    let healthy: Victim;
    let found: FsckRun;
    let mended: FsckRun;

    beforeAll(async () => {
      healthy = await aVictim();
      for (const damage of damages) victims.set(damage, await aVictim());
      for (const [damage, victim] of victims) await harm(damage, victim);
      found = await runFsck(env(), '--json');
      mended = await runFsck(env(), '--json', '--repair');
    }, 240_000);

    it.each(damages.map((damage) => [damage.name, damage] as const))(
      'finds that %s',
      (_name, damage) => {
        const victim = victims.get(damage)!;
        expect(violatedFor(found, victim)).toEqual(
          [damage.invariant, ...(damage.too ?? [])].sort(),
        );
        expect(violatedFor(mended, victim)).toEqual(
          damage.mended ? [] : violatedFor(found, victim),
        );
      },
    );

    it('blames nobody else, counts what it mended and ends with 1', () => {
      expect([...violatedFor(found, healthy), ...violatedFor(mended, healthy)]).toEqual([]);
      expect([found.code, mended.code]).toEqual([1, 1]);
      const hopeless = new Set(
        damages
          .filter((damage) => !damage.mended)
          .flatMap(({ invariant, too = [] }) => [invariant, ...too]),
      );
      expect(new Set(Object.keys(violationsOf(mended)))).toEqual(hopeless);
      expect(Object.keys(mended.report.repaired).sort()).toEqual(
        [
          ...new Set(
            damages.filter((one) => one.mended || one.mendsBeside).map((one) => one.invariant),
          ),
        ].sort(),
      );
    });

    it('shows no words and no keys', () => {
      expect(found.stdout + found.stderr + mended.stdout).not.toContain(WORD);
      expect(found.stdout).not.toContain('idempotency-key');
    });
  });
});

describe('fsck of the databases that the server starts itself', () => {
  it('finds them while the server runs, and starts them while it does not, even right after kill -9', async () => {
    const cwd = mkdtempSync(join(tmpdir(), 'banyan-fsck-'));
    chmodSync(cwd, 0o755); // as root PostgreSQL runs as another user
    const env = { DATA_DIR: join(cwd, 'data') };
    const server = await ServerProcess.ready({ cwd });
    try {
      await (await TestClient.register(server.url)).aChat(3);
      const beside = await runFsck(env, '--json');
      expect([beside.code, beside.report?.ok, beside.stderr]).toEqual([0, true, '']);
      server.kill();
      const after = await runFsck(env, '--json', '--repair');
      expect([after.code, after.report?.ok, after.stderr]).toEqual([0, true, '']);
      expect(after.report.invariants.find((one: any) => one.id === 'I3').checked).toEqual({
        pairs: 3,
      });
    } finally {
      server.kill();
      await server.exit();
      for (let n = 0; processesOn(cwd).length > 0 && n < 200; n++) await sleep(50);
      rmSync(cwd, { recursive: true, force: true });
    }
  });
});
