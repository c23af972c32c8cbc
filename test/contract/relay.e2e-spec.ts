import { setTimeout as sleep } from 'node:timers/promises';
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  it,
  jest,
} from '@jest/globals';
import { Logger } from '@nestjs/common';
import { type Connection, createConnection } from 'mongoose';
import { newId } from '../../src/common/ids.js';
import type { PairWrite } from '../../src/content/content-store.js';
import { askForMirror } from '../../src/content/mirror.js';
import { MongoContentStore } from '../../src/content/mongo/mongo-content-store.js';
import type { Relay } from '../../src/content/relay.js';
import { mongoUriFor } from '../support/app.js';
import { aChat, aPair, seqsUpTo } from './builders.js';
import { aLatch, JournalHarness, WatchedStore } from './journal-harness.js';
import { aGate, type Gate, mongoTarget, throughGate } from './tcp-gate.js';

Logger.overrideLogger(false); // outages are what is tested here

const RETENTION = { JOURNAL_RETENTION_SECONDS: 3600 };
const mongoUri = process.env.TEST_MONGODB_URI
  ? mongoUriFor('postgres://127.0.0.1/content_relay')
  : '';
// the run says at its end that MongoDB was left out
const withMongo = mongoUri ? describe : describe.skip;

withMongo('the relay', () => {
  let pg: JournalHarness;
  let mongo: MongoContentStore;
  let gate: Gate;
  let raw: Connection;
  let store: WatchedStore;
  let relay: Relay;

  const stored = async (pair: PairWrite): Promise<string | undefined> =>
    (await mongo.findMany(pair.accountId, pair.rootChatId, [pair])).get(pair.responseId)?.body;
  const allStored = async (pairs: readonly PairWrite[]): Promise<boolean> => {
    const found = await mongo.findAcross(pairs);
    return pairs.every((pair) => found.get(pair.responseId)?.body === pair.body);
  };
  const anAppended = async (given?: Parameters<typeof aPair>[1]): Promise<PairWrite> => {
    const pair = aPair(aChat(), given);
    await pg.append(pair);
    return pair;
  };
  /** Lets all waiting be over, then one tick. */
  const step = async (one: Relay = relay): Promise<void> => {
    await pg.letTimePass();
    await one.tick();
  };
  const steps = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) await step();
  };
  const mongoLoses = (pair: PairWrite): Promise<void> => mongo.removeTail(pair, pair.seq - 1);

  beforeAll(async () => {
    pg = await JournalHarness.start();
    gate = await aGate(mongoTarget(mongoUri));
    mongo = new MongoContentStore(throughGate(mongoUri, gate));
    raw = await createConnection(mongoUri).asPromise();
    await mongo.ping();
  });
  afterAll(async () => {
    await raw.dropDatabase();
    await raw.close();
    await mongo.close();
    await gate.close();
    await pg.stop();
  });
  beforeEach(() => {
    store = new WatchedStore(mongo);
    ({ relay } = pg.instance(store, RETENTION));
  });
  afterEach(() => pg.clear());

  describe('the way of a row', () => {
    it('unsent → sent → read back → read back again → forgotten, a retention between the steps', async () => {
      const pair = await anAppended();
      await relay.tick();
      expect(await pg.rows(pair)).toMatchObject([{ stored: false }]); // sent directly, at first
      await step();
      expect(await stored(pair)).toBe(pair.body);
      expect(await pg.rows(pair)).toMatchObject([{ stored: true, verified: false, attempts: 0 }]);
      expect((await pg.rows(pair))[0]!.due_in).toBeGreaterThan(3500);
      await relay.tick();
      expect(await pg.rows(pair)).toMatchObject([{ stored: true, verified: false }]);
      await step();
      expect(await pg.rows(pair)).toMatchObject([{ stored: true, verified: true }]);
      expect((await pg.rows(pair))[0]!.due_in).toBeGreaterThan(3500);
      await step();
      expect(await pg.rows(pair)).toEqual([]);
      expect(store.puts).toBe(1);
    });

    it('a row whose pair is gone from PostgreSQL is forgotten', async () => {
      const pair = await anAppended();
      await pg.query(`DELETE FROM messages WHERE account_id = $1`, [pair.accountId]);
      await step();
      expect(await pg.rows(pair)).toEqual([]);
      expect(await stored(pair)).toBeUndefined();
    });

    it('drain sends everything at once, due or not', async () => {
      const pairs = await Promise.all(seqsUpTo(250).map(() => anAppended()));
      expect(await relay.drain()).toBe(0);
      expect(await allStored(pairs)).toBe(true);
    });

    it('a claim costs the same statements however many rows it has', async () => {
      const query = jest.spyOn(pg.database, 'query');
      const statementsFor = async (rows: number): Promise<string[][]> => {
        const pairs = await Promise.all(seqsUpTo(rows).map(() => anAppended()));
        const ticks: string[][] = [];
        for (let i = 0; i < 3; i++) {
          await pg.letTimePass();
          query.mockClear();
          await relay.tick();
          ticks.push(query.mock.calls.map(([{ name }]) => name));
        }
        expect((await Promise.all(pairs.map((pair) => pg.rows(pair)))).flat()).toEqual([]);
        return ticks;
      };
      const ofOne = await statementsFor(1);
      expect(ofOne.map((names) => names.length)).toEqual([3, 3, 3]);
      expect(await statementsFor(180)).toEqual(ofOne);
      query.mockRestore();
    });

    it('a claim of long words ends where memory does, and the next one follows at once', async () => {
      const pairs = await Promise.all(
        seqsUpTo(10).map(() => anAppended({ response: 'x'.repeat(1024 * 1024) })),
      );
      await pg.letTimePass();
      const ticks = [await relay.tick(), await relay.tick()];
      expect(ticks).toMatchObject([
        { claimed: 8, failed: 0, more: true },
        { claimed: 2, failed: 0, more: false },
      ]);
      expect(await allStored(pairs)).toBe(true);
    });

    it('the relay works by itself from the start of the server to its stop', async () => {
      const pair = aPair(aChat());
      await pg.append(pair, { dueInSeconds: 0 });
      const { relay: running } = pg.instance(store, { JOURNAL_RETENTION_SECONDS: 0 });
      running.onApplicationBootstrap();
      while ((await pg.rows(pair)).length > 0) await sleep(20);
      await running.stop();
      expect(await stored(pair)).toBe(pair.body);
      const late = aPair(aChat());
      await pg.append(late, { dueInSeconds: 0 });
      await sleep(300);
      expect(await pg.rows(late)).toMatchObject([{ stored: false }]);
    });
  });

  describe('what MongoDB lost is written again', () => {
    it.each([
      ['first', 1],
      ['second', 2],
    ])(
      'before the %s read-back: first the row becomes unsent, then the words are written, then both read-backs start again',
      async (_name, done) => {
        const pair = await anAppended();
        await steps(done);
        await mongoLoses(pair);
        await step();
        expect(await pg.rows(pair)).toMatchObject([{ stored: false, verified: false, round: 1 }]);
        expect(await stored(pair)).toBeUndefined();
        await step();
        expect(await stored(pair)).toBe(pair.body);
        expect(await pg.rows(pair)).toMatchObject([{ stored: true, verified: false }]);
        await steps(2);
        expect(await pg.rows(pair)).toEqual([]);
      },
    );

    it('words are only ever written while PostgreSQL says that they are unsent', async () => {
      const seen: unknown[] = [];
      store.beforePut = async (pair) => {
        seen.push(...(await pg.rows(pair)).map(({ stored, verified }) => ({ stored, verified })));
      };
      const pair = await anAppended();
      await steps(2);
      await mongoLoses(pair);
      await steps(2);
      expect(seen).toEqual([
        { stored: false, verified: false },
        { stored: false, verified: false },
      ]);
    });

    it('damaged words are mended', async () => {
      const pair = await anAppended({ question: 'as it was' });
      await step();
      await raw
        .collection('chat_contents')
        .updateOne({ chat_id: pair.chatId }, { $set: { 'qa_pairs.0.question': 'changed' } });
      await steps(2);
      expect(await stored(pair)).toBe(pair.body);
    });

    it('a relay that slept over its read-back cannot forget what another one has just written again', async () => {
      const pair = await anAppended();
      await steps(2);
      const [asleep, awake] = [aLatch(), aLatch()];
      store.afterFind = () => (asleep.open(), awake.opened);
      const sleeper = step(); // reads the right words back for the second time …
      await asleep.opened;
      const { relay: other } = pg.instance(mongo, RETENTION);
      await mongoLoses(pair);
      await step(other);
      await step(other);
      expect(await stored(pair)).toBe(pair.body);
      awake.open(); // … and would now delete the row that stands for a brand-new write
      await sleeper;
      expect(await pg.rows(pair)).toMatchObject([{ stored: true, verified: false }]);
      await mongoLoses(pair);
      await step(other);
      await step(other);
      expect(await stored(pair)).toBe(pair.body);
    });

    it('without the commit in between the words would be lost (the control of the test above)', async () => {
      const pair = await anAppended();
      await steps(2);
      await mongoLoses(pair);
      // the wrong order: written first, and killed before the row became unsent
      await mongo.put(pair);
      await step();
      expect(await pg.rows(pair)).toEqual([]);
      await mongoLoses(pair);
      await steps(3);
      expect(await stored(pair)).toBeUndefined();
    });

    it('words that are in neither store do not fill the journal for ever', async () => {
      const pair = await anAppended();
      await steps(3);
      await mongoLoses(pair);
      await pg.transaction((tx) => askForMirror(tx, pair.accountId, [pair.responseId]));
      await steps(2);
      expect(await pg.rows(pair)).toEqual([]);
    });
  });

  describe('several at once', () => {
    it('two relays share the work and do nothing twice', async () => {
      const pairs = await Promise.all(seqsUpTo(200).map(() => anAppended()));
      const { relay: other } = pg.instance(store, RETENTION);
      await pg.letTimePass();
      await Promise.all([relay.tick(), other.tick()]);
      expect(store.puts).toBe(200);
      for (let i = 0; i < 2; i++) {
        await pg.letTimePass();
        await Promise.all([relay.tick(), other.tick()]);
      }
      expect((await Promise.all(pairs.map((pair) => pg.rows(pair)))).flat()).toEqual([]);
      expect(store.puts).toBe(200);
      expect(await allStored(pairs)).toBe(true);
    });

    it('a row that got new work while it was delivered is not done with', async () => {
      const pair = await anAppended();
      const branch = newId();
      store.beforePut = async () => {
        store.beforePut = async () => undefined;
        await pg.fork(pair, branch);
        await pg.transaction((tx) => askForMirror(tx, pair.accountId, [pair.responseId]));
      };
      await step();
      expect(await pg.rows(pair)).toMatchObject([{ stored: false, round: 1 }]);
      await step();
      const found = await mongo.findMany(pair.accountId, pair.rootChatId, [pair]);
      expect(found.get(pair.responseId)).toMatchObject({ branches: [branch], branchesTotal: 1 });
      await steps(2);
      expect(await pg.rows(pair)).toEqual([]);
    });

    it('a claim waits for nobody: a row that somebody is changing is left as it is, the others are done', async () => {
      const [changing, other] = [await anAppended(), await anAppended()];
      const [locked, over] = [aLatch(), aLatch()];
      let transaction: Promise<void> | undefined;
      store.beforePut = async () => {
        transaction ??= pg.transaction(async (tx) => {
          await tx.query(`SELECT FROM content_journal WHERE account_id = $1 FOR UPDATE`, [
            changing.accountId,
          ]);
          locked.open();
          await over.opened;
        });
        await locked.opened;
      };
      await step();
      expect(await pg.rows(changing)).toMatchObject([{ stored: false }]);
      expect(await pg.rows(other)).toMatchObject([{ stored: true }]);
      over.open();
      await transaction;
      await step();
      expect(await pg.rows(changing)).toMatchObject([{ stored: true }]);
    });

    it('a row that got new work during its last read-back is not deleted', async () => {
      const pair = await anAppended();
      await steps(2);
      store.afterFind = () =>
        pg.transaction((tx) => askForMirror(tx, pair.accountId, [pair.responseId]));
      await step();
      expect(await pg.rows(pair)).toMatchObject([
        { stored: false, verified: false, round: 1, has_body: true },
      ]);
    });
  });

  describe('the mirror of branches', () => {
    it('follows forks and deletions, also when the journal has forgotten the words', async () => {
      const pair = await anAppended();
      await steps(3);
      const [first, second] = [newId(), newId()];
      const mirrored = async (): Promise<unknown> => {
        await pg.transaction((tx) => askForMirror(tx, pair.accountId, [pair.responseId]));
        await steps(3);
        expect(await pg.rows(pair)).toEqual([]);
        return (await mongo.findMany(pair.accountId, pair.rootChatId, [pair])).get(pair.responseId);
      };
      await pg.fork(pair, first);
      await pg.fork(pair, second);
      expect(await mirrored()).toMatchObject({
        branches: [first, second],
        branchesTotal: 2,
        body: pair.body,
      });
      await pg.query(`UPDATE chats SET deleted_at = now() WHERE account_id = $1 AND chat_id = $2`, [
        pair.accountId,
        first,
      ]);
      expect(await mirrored()).toMatchObject({
        branches: [second],
        branchesTotal: 1,
        body: pair.body,
      });
    });

    it('is mended when MongoDB lost it', async () => {
      const pair = await anAppended();
      const branch = newId();
      await pg.fork(pair, branch);
      await step();
      await mongo.putBranches(pair, [], 0);
      await steps(2);
      expect(
        (await mongo.findMany(pair.accountId, pair.rootChatId, [pair])).get(pair.responseId),
      ).toMatchObject({ branches: [branch] });
    });
  });

  describe('while MongoDB is away', () => {
    afterEach(() => gate.open());

    it('rows stay, only a few are tried, and all arrive when it is back', async () => {
      const pairs = await Promise.all(seqsUpTo(30).map(() => anAppended()));
      gate.shut();
      await steps(4);
      const rows = (await Promise.all(pairs.map((pair) => pg.rows(pair)))).flat();
      expect(rows).toHaveLength(30);
      expect(rows.every((row) => !row.stored)).toBe(true);
      expect(rows.filter((row) => row.attempts > 0).length).toBeLessThan(10);
      expect(Math.max(...rows.map((row) => row.attempts))).toBeGreaterThan(0);
      gate.open();
      while ((await relay.drain()) > 0) await sleep(50);
      expect(await allStored(pairs)).toBe(true);
    });

    it('the back-off of a row grows from 0.2 s to 10 s', async () => {
      const pair = await anAppended();
      store.beforePut = async () => Promise.reject(new Error('this one cannot be written'));
      for (const seconds of [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10, 10]) {
        const started = performance.now();
        await step();
        const left = (await pg.rows(pair))[0]!.due_in;
        const since = (performance.now() - started) / 1000;
        expect(left).toBeLessThanOrEqual(seconds);
        expect(left + since).toBeGreaterThanOrEqual(seconds - 0.01);
      }
      expect(await pg.rows(pair)).toMatchObject([{ attempts: 8, stored: false }]);
    });

    it('one row that cannot be written does not hold up the others', async () => {
      const [bad, good] = [await anAppended(), await anAppended()];
      store.beforePut = async (pair) => {
        if (pair.chatId === bad.chatId) throw new Error('this one cannot be written');
      };
      await step();
      expect(await stored(good)).toBe(good.body);
      expect(await pg.rows(bad)).toMatchObject([{ stored: false, attempts: 1 }]);
    });
  });
});
