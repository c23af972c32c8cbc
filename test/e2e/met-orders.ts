import { randomUUID } from 'node:crypto';
import type { Type } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { JournalRows } from '../../src/content/journal-rows.js';
import { Database } from '../../src/database/database.js';
import type { IdempotentRequest } from '../../src/database/idempotency.js';
import { ForkService } from '../../src/modules/chat/fork.service.js';
import { TreeChanges } from '../../src/modules/chat/tree-changes.service.js';
import { holdFiles } from '../../src/modules/file/file-references.js';
import { Files } from '../../src/modules/file/files.service.js';
import { DROP_JOURNAL } from '../../src/modules/maintenance/purge.sql.js';
import { AppendLanes } from '../../src/modules/message/append.lanes.js';
import { newPair } from '../../src/modules/message/append.service.js';
import { manyInputs } from '../../src/modules/message/append.sql.js';
import { isUniqueViolation } from '../../src/runtime/pg-errors.js';
import { type Mode, type TestApp, withClient } from '../support/app.js';
import type { TestClient } from '../support/client.js';
import type { Scene } from './openapi-calls.js';

type Work = (server: TestApp) => Promise<unknown>;

/** Two who once took the same rows in two orders; the rows are made to lie so that it shows. */
export interface MetOrders {
  what: string;
  modes: readonly Mode[];
  prepare: (scene: Scene) => Promise<readonly [first: Work, second: Work]>;
}

const BOTH = ['postgres', 'mongo'] as const;

const of = <T>({ app }: TestApp, type: Type<T>): T => app.get(type, { strict: false });
const sql = ({ server }: Scene, text: string, values: unknown[]) =>
  withClient(server.databaseUrl, (client) => client.query(text, values));

/** PostgreSQL may join tables in many ways; these are left out. */
const without = async (tx: EntityManager, ...ways: string[]): Promise<void> => {
  for (const way of ways) await tx.query(`SET LOCAL enable_${way} = off`);
};

const keyed = (key: string): IdempotentRequest => ({
  ...{ scope: 'POST /pairs', key, fingerprint: Buffer.alloc(32), replayed: false },
});

/** One statement, with its inputs in the order in which they are given, each under its key. */
const appendTo =
  ({ ann }: Scene, chats: readonly string[], keys: readonly string[] = []): Work =>
  (server) => {
    const pairs = chats.map((chatId, at) => {
      const key = keys[at] === undefined ? null : keyed(keys[at]);
      const spot = { accountId: ann.accountId, chatId, key, endKey: null };
      return newPair({ said: { question: 'q' }, response: 'a' }, spot);
    });
    return of(server, Database).transaction(async (tx) => {
      await without(tx, 'indexscan', 'bitmapscan', 'mergejoin', 'hashjoin');
      return tx.query(of(server, AppendLanes).statements.many.text, manyInputs(pairs));
    });
  };

/** Of a statement that writes several keys one is there before the next. */
const STOP_AT_KEYS = `
  CREATE OR REPLACE TRIGGER a_key BEFORE INSERT ON idempotency_keys FOR EACH ROW EXECUTE FUNCTION locks.on_row()`;

/** Two requests with one key. */
function postWith(ann: TestClient, path: string): (body: object) => Work {
  const headers = { 'idempotency-key': randomUUID() };
  return (body) => (server) => ann.at(server.url).post(path, body, headers);
}

/** Of two with one key one comes too late. */
function assertTaken(error: unknown): void {
  if (!isUniqueViolation(error)) throw error;
}

export const MET_ORDERS: readonly MetOrders[] = [
  {
    what: 'appends to several conversations, in one statement each',
    modes: BOTH,
    prepare: async (scene) => {
      const { ann, chat } = scene;
      const other = await ann.aChat(1);
      const made: string[] = [];
      for (const { id, pairs } of [chat, other, other, chat, chat, other, other, chat])
        made.push(await ann.aBranch(id, pairs[0]!));
      // A scan finds those of the one conversation before those of the other, and the other way
      // round.
      const { rows } = await sql(
        scene,
        `SELECT a.chat_id AS before, b.chat_id AS after FROM chats a JOIN chats b ON a.ctid < b.ctid AND a.root_chat_id <> b.root_chat_id
         WHERE a.chat_id = ANY ($1) AND b.chat_id = ANY ($1) ORDER BY a.root_chat_id, a.ctid, b.ctid`,
        [made],
      );
      const [here, there] = [rows[0], rows.at(-1)].map((row) => [row.before, row.after]);
      return [appendTo(scene, here!), appendTo(scene, there!)];
    },
  },
  {
    what: 'a branch that is made the active one by PATCH, and an append to the one that was',
    modes: BOTH,
    prepare: async ({ ann, chat, branch }) => {
      const next = await ann.aBranch(chat.id, chat.pairs[0]!);
      await ann.put(`/chats/${chat.id}/active-branch`, { branch_chat_id: branch });
      return [
        (server) => ann.at(server.url).patch(`/chats/${next}`, { active: true }),
        (server) =>
          ann.at(server.url).post(`/chats/${branch}/messages`, { question: 'q', response: 'a' }),
      ];
    },
  },
  {
    what: 'one key for a pair in a statement, and for pairs in a transaction',
    modes: BOTH,
    prepare: ({ ann, chat }) => {
      const post = postWith(ann, `/chats/${chat.id}/messages`);
      const pair = { question: 'q', response: 'a' };
      return Promise.resolve([post({ pairs: [pair, pair] }), post(pair)]);
    },
  },
  {
    what: 'one key for a branch in a statement, and for one that becomes active',
    modes: BOTH,
    prepare: ({ ann, chat }) => {
      const post = postWith(ann, `/chats/${chat.id}/branches`);
      const fork = { response_id: chat.pairs[0]! };
      return Promise.resolve([post({ ...fork, activate: true }), post(fork)]);
    },
  },
  {
    what: 'a chat id that a client chose, by both doors, under a key each',
    modes: ['postgres'],
    prepare: ({ ann }) => {
      const chat = { chat_id: randomUUID() };
      return Promise.resolve([
        postWith(ann, '/chats')(chat),
        postWith(ann, '/chats/create-chat')(chat),
      ]);
    },
  },
  {
    what: 'a name that a client chose for its chat, and one key',
    modes: ['postgres'],
    prepare: ({ ann }) => {
      const body = { external_id: randomUUID() };
      const headers = { 'idempotency-key': randomUUID() };
      const make: Work = (server) =>
        ann.at(server.url).request('POST', '/aui/v1/threads', { body, headers });
      return Promise.resolve([make, make]);
    },
  },
  {
    what: 'pairs that name the same files, which are loose',
    modes: BOTH,
    prepare: async (scene) => {
      const { ann, chat, server } = scene;
      const files = of(server, Files);
      const ids: string[] = [];
      for (const words of ['one', 'two'])
        ids.push((await files.keepDataUrl(ann.accountId, `data:,${words}`)).file_id!);
      // Made first, and lying last.
      const move = `UPDATE files SET loose_since = now() WHERE account_id = $1 AND file_id = $2`;
      await sql(scene, move, [ann.accountId, [...ids].sort()[0]]);
      const parts = ids.map((id) => ({ type: 'file', file_id: id }) as never);
      const name =
        (responseId: string, ...ways: string[]): Work =>
        (at) =>
          of(at, Database).transaction(async (tx) => {
            await without(tx, ...ways);
            return holdFiles(tx, ann.accountId, responseId, parts);
          });
      const scans = ['nestloop', 'mergejoin', 'indexscan', 'bitmapscan'];
      return [name(chat.pairs[0]!, 'seqscan', 'hashjoin'), name(chat.pairs[1]!, ...scans)];
    },
  },
  {
    what: 'a fork in a transaction and one in a statement, which ask for the mirror of one pair',
    modes: ['mongo'],
    prepare: ({ ann, chat }) => {
      const fork = { response_id: chat.pairs[0]! };
      return Promise.resolve([
        (server) =>
          of(server, TreeChanges).run(ann.accountId, chat.id, (tx) =>
            of(server, ForkService).fork(tx, ann.accountId, chat.id, fork),
          ),
        (server) => ann.at(server.url).post(`/chats/${chat.id}/branches`, fork),
      ]);
    },
  },
  {
    what: 'the relay that is hurried, and a purge of the words that it has still to send',
    modes: ['mongo'],
    prepare: async (scene) => {
      const { ann, chat } = scene;
      // The first row lies behind the others, and is due after them.
      for (const [at] of [...chat.pairs.entries()].reverse())
        await sql(
          scene,
          `UPDATE content_journal SET stored_at = NULL, due_at = now() + $3::int * interval '1 h' WHERE chat_id = $1 AND seq = $2`,
          [chat.id, at + 1, chat.pairs.length - at],
        );
      return [
        (server) => of(server, JournalRows).hurry(),
        (server) => of(server, Database).query(DROP_JOURNAL, [ann.accountId, chat.id, 0]),
      ];
    },
  },
  {
    what: 'two keys, each twice, in one statement each',
    modes: BOTH,
    prepare: async (scene) => {
      await sql(scene, STOP_AT_KEYS, []);
      const made: string[] = [];
      for (let n = 0; n < 4; n++) made.push((await scene.ann.aChat(1)).id);
      const [a, b, c, d] = made.sort() as [string, string, string, string];
      const keys = [randomUUID(), randomUUID()];
      return [appendTo(scene, [a, b], keys), appendTo(scene, [c, d], keys.toReversed())].map(
        (work) => (server: TestApp) => work(server).catch(assertTaken),
      ) as [Work, Work];
    },
  },
];
