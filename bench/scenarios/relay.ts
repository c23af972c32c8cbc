import { DataSource } from 'typeorm';
import { Config } from '../../src/config/config.js';
import {
  ContentStore,
  type PairRef,
  type PairWrite,
  type StoredPair,
} from '../../src/content/content-store.js';
import { JournalRows } from '../../src/content/journal-rows.js';
import { Journal } from '../../src/content/journal.js';
import { Relay } from '../../src/content/relay.js';
import { dataSourceOptions } from '../../src/data-source.js';
import { Database } from '../../src/database/database.js';
import { spreadOf } from '../rounds.js';
import type { Play, Scenario } from './scenario.js';

const ROWS = 10_000;
/** Sent, read back, read back again and forgotten. */
const STEPS = 3;

/**
 * P10: what the relay does in PostgreSQL for each pair, with a store that answers at once in the
 * place of MongoDB.
 */
export const relay: Scenario = {
  ids: ['P10'],
  play: async (play) => {
    const dataSource = await new DataSource(dataSourceOptions(play.stage.databaseUrl)).initialize();
    try {
      const rates: number[] = [];
      for (let n = 1; n <= play.options.rounds; n++) {
        rates.push(await oneRound(play, new Database(dataSource)));
        play.say(`round ${n}: ${rates.at(-1)!.toFixed(0)} row steps a second`);
      }
      const what = 'steps of journal rows a second, MongoDB left out';
      return {
        rows: [
          { id: 'P10', what, ratio: spreadOf(rates), held: { sign: '>=', bar: 5000, aim: 10_000 } },
        ],
        details: [],
      };
    } finally {
      await dataSource.destroy();
    }
  },
};

async function oneRound(
  { stage: { sql, accountId }, bed }: Play,
  database: Database,
): Promise<number> {
  await sql.query(
    `INSERT INTO content_journal (account_id, chat_id, seq, version, body, due_at, created_at)
     SELECT account_id, chat_id, seq, version, body, now(), now() FROM chat_contents WHERE account_id = $1 AND chat_id = $2 AND seq <= $3`,
    [accountId, bed.big, ROWS],
  );
  // No waiting between the steps.
  const config = Object.assign(new Config(), { JOURNAL_RETENTION_SECONDS: 0 });
  const store = new InstantStore();
  const one = new Relay(
    new JournalRows(database),
    store,
    new Journal(database, store, config),
    config,
  );
  const started = performance.now();
  let steps = 0;
  for (let claimed = 1; claimed > 0; steps += claimed) ({ claimed } = await one.tick());
  const seconds = (performance.now() - started) / 1000;
  if (steps !== ROWS * STEPS || store.size !== ROWS)
    throw new Error(`${steps} steps were made with ${store.size} pairs`);
  return steps / seconds;
}

class InstantStore extends ContentStore {
  override readonly name = 'mongo';
  override readonly table = 'content_journal';
  private readonly pairs = new Map<string, StoredPair>();

  get size(): number {
    return this.pairs.size;
  }

  override async putMany(pairs: readonly PairWrite[]): Promise<ReadonlyMap<string, Error>> {
    for (const pair of pairs) this.pairs.set(pair.responseId, pair);
    return new Map();
  }

  override async findAcross(pairs: readonly PairRef[]): Promise<Map<string, StoredPair>> {
    return new Map(pairs.map(({ responseId }) => [responseId, this.pairs.get(responseId)!]));
  }

  override findMany(
    _accountId: string,
    _rootChatId: string,
    pairs: readonly PairRef[],
  ): Promise<Map<string, StoredPair>> {
    return this.findAcross(pairs);
  }

  override async putBranches(): Promise<void> {}
  override async removeTail(): Promise<void> {}
  override async ping(): Promise<void> {}
  override async tryToWrite(): Promise<void> {}
}
