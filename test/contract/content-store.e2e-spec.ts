import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { type Connection, createConnection, type Mongoose } from 'mongoose';
import { DataSource } from 'typeorm';
import { ContentStore } from '../../src/content/content-store.js';
import type { ChatContents } from '../../src/content/mongo/chat-contents.schema.js';
import { MongoContentStore } from '../../src/content/mongo/mongo-content-store.js';
import { PostgresContentStore } from '../../src/content/postgres/postgres-content-store.js';
import { dataSourceOptions } from '../../src/data-source.js';
import { Database } from '../../src/database/database.js';
import { migrate } from '../../src/database/migrate.js';
import { createDatabase, mongoUriFor } from '../support/app.js';
import { until } from '../support/machine-clock.js';
import { aChat, aPair, type ChatKey, partsOf, putAtLast, seqsUpTo } from './builders.js';
import {
  contentStoreContract,
  TOO_LATE_MS,
  type StoreUnderTest,
} from './content-store.contract.js';
import { aGate, mongoTarget, throughGate } from './tcp-gate.js';

Logger.overrideLogger(false); // outages are part of what is tested here

const MIB = 1024 * 1024;
const CLOSED_PORT = 'mongodb://127.0.0.1:9/banyan?directConnection=true';
const INSERT_CHAT = `
  INSERT INTO chats (account_id, chat_id, root_chat_id, parent_chat_id, depth, fork_seq, last_seq, jump_chat_id, created_at, updated_at)
  VALUES ($1, $2, $3, nullif($3, $2::uuid), CASE WHEN $3 = $2::uuid THEN 0 ELSE 1 END, $4, $4, $3, now(), now())`;

async function postgresStore(): Promise<StoreUnderTest> {
  const url = await createDatabase();
  await migrate(dataSourceOptions(url));
  const connected = (): Promise<DataSource> => new DataSource(dataSourceOptions(url)).initialize();
  const dataSource = await connected();
  return {
    store: new PostgresContentStore(new Database(dataSource)),
    know: async (chat: ChatKey) => {
      await dataSource.query(INSERT_CHAT, [
        chat.accountId,
        chat.chatId,
        chat.rootChatId,
        chat.forkSeq,
      ]);
    },
    away: async () => {
      const gone = await connected();
      const store = new PostgresContentStore(new Database(gone));
      await gone.destroy();
      return store;
    },
    close: () => dataSource.destroy(),
  };
}

async function mongoStore(uri: string): Promise<StoreUnderTest> {
  const stores = [new MongoContentStore(uri)];
  return {
    store: stores[0]!,
    know: async () => undefined,
    away: async () => {
      const store = new MongoContentStore(CLOSED_PORT);
      stores.push(store);
      return store;
    },
    close: async () => {
      await Promise.all(stores.map((store) => store.close()));
    },
  };
}

describe('the words in PostgreSQL', () => contentStoreContract(postgresStore));

const mongoUri = process.env.TEST_MONGODB_URI
  ? mongoUriFor('postgres://127.0.0.1/content_contract')
  : '';
// the run says at its end that MongoDB was left out
const withMongo = mongoUri ? describe : describe.skip;

withMongo('the words in MongoDB', () => contentStoreContract(() => mongoStore(mongoUri)));

withMongo('buckets in MongoDB', () => {
  let store: MongoContentStore;
  let raw: Connection;
  const buckets = (chat: ChatKey) =>
    raw.collection('chat_contents').find({ chat_id: chat.chatId }).sort({ bucket: 1 }).toArray();

  beforeAll(async () => {
    store = new MongoContentStore(mongoUri);
    raw = await createConnection(mongoUri).asPromise();
  });
  afterAll(async () => {
    await raw.dropDatabase();
    await raw.close();
    await store.close();
  });

  it('are the documents of the assignment', async () => {
    const pair = aPair(aChat(), {
      question: 'Why?',
      response: 'Because.',
      metadata: { url: 'https://example.org' },
      branches: ['b'],
    });
    await store.put(pair);
    const [bucket] = await buckets(pair);
    expect(bucket).toEqual({
      _id: `${pair.accountId}:${pair.chatId}:0`,
      account_id: pair.accountId,
      root_chat_id: pair.rootChatId,
      chat_id: pair.chatId,
      bucket: 0,
      qa_pairs: [
        {
          question: 'Why?',
          response: 'Because.',
          response_id: pair.responseId,
          timestamp: pair.createdAt,
          branches: ['b'],
          branches_total: 1,
          seq: 1,
          version: 1,
          message_type: 'text',
          metadata: { url: 'https://example.org' },
          sha256: pair.sha256.toString('hex'),
        },
      ],
    });
  });

  it('and documents of parts stay far below the limit of MongoDB, whatever 32 pairs hold', async () => {
    const chat = aChat();
    const words = { question: 'ж'.repeat(MIB / 16), response: 'ж'.repeat(MIB / 8) };
    const metadata = { text: 'x'.repeat(MIB / 64) };
    const branches = Array.from({ length: 100 }, () => chat.chatId);
    for (const seq of seqsUpTo(32))
      await putAtLast(store, aPair(chat, { seq, ...words, metadata, branches, ...partsOf(MIB) }));
    for (const [name, most] of [
      ['chat_contents', 13.5 * MIB],
      ['chat_parts', 2 * MIB],
    ] as const) {
      const sizes = await raw
        .collection(name)
        .aggregate([
          { $match: { chat_id: chat.chatId } },
          { $project: { size: { $bsonSize: '$$ROOT' } } },
        ])
        .toArray();
      expect(Math.max(...sizes.map(({ size }) => size as number))).toBeLessThan(most);
    }
    // Whoever reads MongoDB sees the texts all the same.
    const [
      {
        qa_pairs: [pair],
      },
    ] = (await buckets(chat)) as unknown as [ChatContents];
    expect(pair).toMatchObject({ ...words, parts_apart: true });
    await store.removeTail(chat, 0);
    expect(await raw.collection('chat_parts').countDocuments({ chat_id: chat.chatId })).toBe(0);
  });

  it('hold 32 pairs: the 33rd of a chat opens the second, and a branch counts from its fork', async () => {
    const root = aChat();
    const branch = aChat({ ...root, chatId: aChat().chatId, forkSeq: 33 });
    for (const seq of seqsUpTo(33)) await store.put(aPair(root, { seq }));
    await store.put(aPair(branch, { seq: 34 }));
    expect((await buckets(root)).map((bucket) => bucket['qa_pairs'].length)).toEqual([32, 1]);
    expect((await buckets(branch)).map((bucket) => bucket['_id'])).toEqual([
      `${branch.accountId}:${branch.chatId}:0`,
    ]);
  });

  it('have each pair once and in order, whatever raced', async () => {
    const chat = aChat();
    const seqs = seqsUpTo(400).map((i) => ((i * 7) % 40) + 1);
    await Promise.all(seqs.map((seq) => putAtLast(store, aPair(chat, { seq }))));
    const stored = (await buckets(chat)).flatMap((bucket) =>
      bucket['qa_pairs'].map((pair: { seq: number }) => pair.seq),
    );
    expect(stored).toEqual(seqsUpTo(40));
  });

  it('mirror the branches: the oldest hundred and their number', async () => {
    const pair = aPair(aChat());
    const branches = seqsUpTo(120).map((i) => `branch ${i}`);
    await store.put(pair);
    await store.putBranches(pair, branches, 120);
    const found = (await store.findMany(pair.accountId, pair.rootChatId, [pair])).get(
      pair.responseId,
    );
    expect(found).toMatchObject({
      branches: branches.slice(0, 100),
      branchesTotal: 120,
      body: pair.body,
    });
  });

  it('give way where a removed pair was left at the place of a new one', async () => {
    const chat = aChat();
    const removed = aPair(chat, { version: 3, responseId: aChat().chatId });
    const now = aPair(chat, { version: 1 });
    await store.put(removed);
    await store.put(now);
    const found = await store.findMany(chat.accountId, chat.rootChatId, [removed, now]);
    expect([...found.keys()]).toEqual([now.responseId]);
  });

  it('are asked for by their names, three at most for a page of 50 pairs, wherever it is in the longest chat (S4)', async () => {
    const chat = aChat();
    const page = seqsUpTo(50).map((n) => aPair(chat, { seq: 50_000 + n }));
    const calls: Record<
      Exclude<
        keyof ContentStore,
        'name' | 'table' | 'lateMs' | 'askForBranches' | 'ping' | 'tryToWrite'
      >,
      () => Promise<unknown>
    > = {
      put: () => store.put(page[0]!),
      putMany: () => store.putMany(page),
      putBranches: () => store.putBranches(page[0]!, [], 0),
      findMany: () => store.findMany(chat.accountId, chat.rootChatId, page),
      findAcross: () => store.findAcross(page),
      removeTail: () => store.removeTail(chat, 50_000),
    };
    const filters: Record<string, unknown>[] = [];
    // the store has an instance of its own
    const { mongoose } = (store as unknown as { mongo: { mongoose: Mongoose } }).mongo;
    mongoose.set('debug', (collection: string, method: string, asked: any) => {
      if (collection !== 'chat_contents') return;
      if (method === 'bulkWrite')
        filters.push(...asked.map((operation: any) => operation.updateOne.filter));
      else if (method !== 'createIndex') filters.push(asked);
    });
    for (const call of Object.values(calls)) await call();
    mongoose.set('debug', false);
    expect(filters.length).toBeGreaterThanOrEqual(Object.keys(calls).length);
    for (const { _id: names, root_chat_id, chat_id, bucket } of filters) {
      // All buckets behind one are found by the index of the chat.
      if (names === undefined)
        expect([root_chat_id, chat_id, (bucket as any).$gte]).toEqual([
          chat.rootChatId,
          chat.chatId,
          1563,
        ]);
      else
        expect([(names as { $in?: string[] }).$in ?? names].flat().length).toBeLessThanOrEqual(3);
    }
  });

  it('that are damaged keep only their own pairs back', async () => {
    const [damaged, whole] = [aPair(aChat()), aPair(aChat())];
    await store.put(damaged);
    await raw
      .collection('chat_contents')
      .updateOne({ chat_id: damaged.chatId }, { $set: { qa_pairs: 'no list' } });
    const failures = await store.putMany([damaged, whole]);
    expect([...failures.keys()]).toEqual([damaged.responseId]);
    expect((await store.findAcross([whole])).get(whole.responseId)?.body).toBe(whole.body);
    await expect(store.put(damaged)).rejects.toThrow('MongoDB refused the words of a pair');
  });

  it('have the indexes that removal uses, and people who know a chat alone, and no other', async () => {
    const indexes = await raw.collection('chat_contents').indexes();
    expect(indexes.map((index) => Object.keys(index['key']).join())).toEqual([
      '_id',
      'root_chat_id,chat_id,bucket',
      'chat_id,bucket',
    ]);
    const asked = raw.collection('chat_contents').find({ chat_id: aChat().chatId });
    // Not every server that speaks MongoDB's protocol says how it looks.
    const plan = await asked.explain('queryPlanner').catch(() => null);
    if (plan) expect(JSON.stringify(plan)).toContain('chat_id_1_bucket_1');
  });
});

withMongo('a MongoDB that comes and goes', () => {
  /** Absent at the start, there, silent, gone, there again. */
  async function outage(): Promise<void> {
    const gate = await aGate(mongoTarget(mongoUri));
    gate.shut();
    const store = new MongoContentStore(throughGate(mongoUri, gate));
    const pair = aPair(aChat());
    const put = (): Promise<string> => timed(store.put(pair));
    try {
      expect(await put()).toMatch(/^refused/);
      gate.open();
      await untilOk(put);
      gate.silence();
      expect(await put()).toMatch(/^refused/);
      expect(await timed(store.findMany(pair.accountId, pair.rootChatId, [pair]))).toMatch(
        /^refused/,
      );
      gate.shut();
      expect(await put()).toMatch(/^refused/);
      gate.open();
      await untilOk(put);
      expect((await store.findMany(pair.accountId, pair.rootChatId, [pair])).size).toBe(1);
    } finally {
      await store.close();
      await gate.close();
    }
  }

  // How long a dozen outages at once take to mend says more of the machine than of the store; what
  // is asserted of time is what each call may take.
  async function untilOk(ask: () => Promise<string>): Promise<void> {
    const heard = new Map<string, number>();
    const isOk = async (): Promise<boolean> => {
      const told = await ask();
      heard.set(told, (heard.get(told) ?? 0) + 1);
      return told === 'ok';
    };
    await until(isOk, () => `ok: ${JSON.stringify([...heard])}`, 150_000);
  }
  /** What is refused says why, behind its first word. */
  const timed = async (work: Promise<unknown>): Promise<string> => {
    const started = Date.now();
    const outcome = await work.then(
      () => 'ok',
      (error: Error) => `refused by ${error.name}: ${error.message}`,
    );
    return Date.now() - started < TOO_LATE_MS ? outcome : `too late, ${outcome}`;
  };

  // A dozen, because the driver's loss of a server (`mongo-connection.ts`) is a matter of luck: it
  // hit one outage in six.
  it('is never waited for longer than its deadline of 2 s, and used again within seconds', async () => {
    await Promise.all(seqsUpTo(12).map(outage));
  }, 360_000);
});
