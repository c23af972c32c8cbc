import { StoreRefusesError, WRITES_REFUSED } from '../common/store-refusal.js';
import type { Database, Statement } from './database.js';
import { sqlStateOf } from '../runtime/pg-errors.js';

/**
 * A table of some pages that is gone with its commit. It has to be given room on the disk, which a
 * change in pages that are there already would not: so it meets a full disk before a person does.
 */
const TRY: Statement = {
  name: 'database.try_to_write',
  text: `CREATE TEMPORARY TABLE banyan_try_to_write ON COMMIT DROP AS SELECT n FROM generate_series(1, 4000) AS n`,
};

/**
 * @throws StoreRefusesError when PostgreSQL answers and takes no writes; other errors when it is
 * away, or says nothing about it
 */
export async function tryToWrite(database: Database): Promise<void> {
  try {
    await database.query(TRY, []);
  } catch (error) {
    const why = WRITES_REFUSED[sqlStateOf(error)];
    throw why ? new StoreRefusesError('PostgreSQL', why) : error;
  }
}
