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
import { newId } from '../../src/common/ids.js';
import type { Problem } from '../../src/common/problems.js';
import type { Config } from '../../src/config/config.js';
import type { PairWrite } from '../../src/content/content-store.js';
import type { Journal } from '../../src/content/journal.js';
import { HELD_ABOUT } from '../../src/content/journal.sql.js';
import { askForMirror } from '../../src/content/mirror.js';
import { MongoContentStore } from '../../src/content/mongo/mongo-content-store.js';
import type { Relay } from '../../src/content/relay.js';
import { mongoUriFor } from '../support/app.js';
import { aChat, aPair, seqsUpTo } from './builders.js';
import { JournalHarness, WatchedStore } from './journal-harness.js';
import { aGate, type Gate, mongoTarget, throughGate } from './tcp-gate.js';
import { stopwatch, until } from '../support/machine-clock.js';

Logger.overrideLogger(false); // outages are part of what is tested here

const RETENTION = { JOURNAL_RETENTION_SECONDS: 3600 };
const mongoUri = process.env.TEST_MONGODB_URI
  ? mongoUriFor('postgres://127.0.0.1/content_journal')
  : '';
// the run says at its end that MongoDB was left out
const withMongo = mongoUri ? describe : describe.skip;

withMongo('the journal', () => {
  let pg: JournalHarness;
  let mongo: MongoContentStore;
  let gate: Gate;
  let store: WatchedStore;
  let relay: Relay;
  let journal: Journal;

  const anAppended = async (given?: Parameters<typeof aPair>[1]): Promise<PairWrite> => {
    const pair = aPair(aChat(), given);
    await pg.append(pair);
    return pair;
  };
  const steps = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      await pg.letTimePass();
      await relay.tick();
    }
  };

  beforeAll(async () => {
    pg = await JournalHarness.start();
    gate = await aGate(mongoTarget(mongoUri));
    mongo = new MongoContentStore(throughGate(mongoUri, gate));
    await mongo.ping();
  });
  afterAll(async () => {
    await mongo.close();
    await gate.close();
    await pg.stop();
  });
  beforeEach(() => {
    store = new WatchedStore(mongo);
    ({ relay, journal } = pg.instance(store, RETENTION));
  });
  afterEach(() => pg.clear());

  describe('the direct write', () => {
    it('is remembered, so that the relay only reads it back', async () => {
      const pairs = await Promise.all(seqsUpTo(20).map(() => anAppended()));
      expect(await Promise.all(pairs.map((pair) => journal.deliver(pair)))).toEqual(
        pairs.map(() => 'stored'),
      );
      await journal.flush();
      const rows = (await Promise.all(pairs.map((pair) => pg.rows(pair)))).flat();
      expect(rows.every((row) => row.stored && row.due_in > 3500)).toBe(true);
      await steps(2);
      expect(store.puts).toBe(20);
      expect((await Promise.all(pairs.map((pair) => pg.rows(pair)))).flat()).toEqual([]);
    });

    it('does not count where the row got new work meanwhile', async () => {
      const pair = await anAppended();
      await journal.deliver(pair);
      await pg.transaction((tx) => askForMirror(tx, pair.accountId, [pair.responseId]));
      await journal.flush();
      expect(await pg.rows(pair)).toMatchObject([{ stored: false, round: 1 }]);
    });

    it('of a later version counts by its round', async () => {
      const pair = await anAppended({ version: 2 });
      await pg.query(`UPDATE content_journal SET round = 3 WHERE account_id = $1`, [
        pair.accountId,
      ]);
      await journal.deliver(pair, 3);
      await journal.flush();
      expect(await pg.rows(pair)).toMatchObject([{ stored: true, version: 2 }]);
    });

    it('waits for nobody: a row that another transaction holds is left to the relay', async () => {
      const pair = await anAppended();
      await journal.deliver(pair);
      await pg.transaction(async (tx) => {
        await tx.query(`SELECT FROM content_journal WHERE account_id = $1 FOR UPDATE`, [
          pair.accountId,
        ]);
        await journal.flush();
      });
      expect(await pg.rows(pair)).toMatchObject([{ stored: false }]);
    });
  });

  describe('room in the journal', () => {
    /** Why posts are refused; nothing if they are not. */
    const refusal = async (settings: Partial<Config>): Promise<string | undefined> => {
      const { journal: measured } = pg.instance(store, settings);
      await measured.measure();
      try {
        measured.assertRoom();
        return undefined;
      } catch (error) {
        expect(error).toMatchObject({
          kind: { status: 503, code: 'store_unavailable' },
          details: { headers: { 'Retry-After': '5' } },
        });
        return (error as Problem).details.detail;
      }
    };
    /** As many appends would have left them, all of them sent. */
    const sentRows = (count: number): Promise<unknown> =>
      pg.query(
        `INSERT INTO content_journal (account_id, chat_id, seq, version, body, due_at, stored_at, created_at)
         SELECT $1, $2, seq, 1, repeat('words ', 150), now() + interval '1 h', now(), now() FROM generate_series(1, $3) AS seq`,
        [newId(), newId(), count],
      );

    it('ends with the number of unsent rows, which sent ones are none of', async () => {
      const pairs = await Promise.all(seqsUpTo(3).map(() => anAppended()));
      expect(await refusal({ JOURNAL_MAX_ROWS: 4 })).toBeUndefined();
      expect(await refusal({ JOURNAL_MAX_ROWS: 3 })).toBe(
        'Too many words wait for MongoDB: 3 pairs are not sent yet (JOURNAL_MAX_ROWS).',
      );
      await Promise.all(pairs.map((pair) => journal.deliver(pair)));
      await journal.flush();
      expect(await refusal({ JOURNAL_MAX_ROWS: 1 })).toBeUndefined();
    });

    it('ends when the oldest is a day old', async () => {
      const pair = await anAppended();
      expect(await refusal({})).toBeUndefined();
      await pg.query(
        `UPDATE content_journal SET created_at = now() - interval '25 h' WHERE account_id = $1`,
        [pair.accountId],
      );
      expect(await refusal({})).toMatch('a day');
    });

    it('ends with the number of all rows, also of those that MongoDB has but has not proved', async () => {
      await sentRows(300);
      expect(await refusal({ JOURNAL_HELD_MAX_ROWS: 301 })).toBeUndefined();
      expect(await refusal({ JOURNAL_HELD_MAX_ROWS: 300 })).toMatch(
        '300 pairs are in the journal (JOURNAL_HELD_MAX_ROWS)',
      );
    });

    it('ends with the length of all words, however small PostgreSQL could pack them', async () => {
      const pair = await anAppended({ response: 'x'.repeat(1024 * 1024) });
      await journal.deliver(pair);
      await journal.flush();
      expect(await refusal({ JOURNAL_HELD_MAX_MB: 2 })).toBeUndefined();
      expect(await refusal({ JOURNAL_HELD_MAX_MB: 1 })).toMatch(
        '1 MiB are in the journal (JOURNAL_HELD_MAX_MB)',
      );
    });

    it('is measured by some pages, however large the journal is, and there is room again when the rows are gone', async () => {
      await sentRows(40_000);
      await journal.measure();
      // between a half and one and a half; it is some hundredths in fact
      expect(journal.held.rows / 40_000).toBeCloseTo(1, 0);
      expect(journal.held.bytes / (40_000 * 900)).toBeCloseTo(1, 0);
      const [{ 'QUERY PLAN': plan }] = (await pg.query(
        `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${HELD_ABOUT.text}`,
      )) as [any];
      expect(plan[0].Plan['Shared Hit Blocks'] + plan[0].Plan['Shared Read Blocks']).toBeLessThan(
        500,
      ); // of more than 5,000
      await pg.clear();
      expect(await refusal({ JOURNAL_HELD_MAX_ROWS: 1 })).toBeUndefined();
    });
  });

  it('pairs that are delivered in one turn go to MongoDB in one write, and each is told what became of it', async () => {
    const pairs = await Promise.all(seqsUpTo(5).map(() => anAppended()));
    const putMany = jest.spyOn(store, 'putMany');
    store.beforePut = async ({ chatId }) => {
      if (chatId === pairs[2]!.chatId) throw new Error('this one cannot be written');
    };
    expect(await Promise.all(pairs.map((pair) => journal.deliver(pair)))).toEqual([
      'stored',
      'stored',
      'journaled',
      'stored',
      'stored',
    ]);
    expect(putMany).toHaveBeenCalledTimes(1);
  });

  it('an append is journaled once MongoDB was given 2 s, the next ones at once, and stored again soon after MongoDB is back', async () => {
    const timed = async (): Promise<[string, number]> => {
      const ran = stopwatch();
      return [await journal.deliver(await anAppended()), ran()];
    };
    gate.shut();
    const [first, firstMs] = await timed();
    const [second, secondMs] = await timed();
    expect([first, second]).toEqual(['journaled', 'journaled']);
    // 2 s, and what a busy machine needs on top; who is not asked at all is far below it.
    expect(firstMs).toBeLessThan(4000);
    expect(secondMs).toBeLessThan(1500);
    gate.open();
    await until(async () => (await timed())[0] === 'stored', 'MongoDB', 5000);
  });
});
