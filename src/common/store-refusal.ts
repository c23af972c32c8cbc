import { SQLSTATE } from '../runtime/pg-errors.js';

/** Why PostgreSQL answers and takes no writes, by its SQLSTATE. */
export const WRITES_REFUSED: Readonly<Record<string, string>> = {
  [SQLSTATE.diskFull]: 'its disk is full',
  [SQLSTATE.readOnly]: 'it is read-only',
};

/**
 * A store answers, but takes no writes. The message is for everybody: it has no names and no words.
 */
export class StoreRefusesError extends Error {
  override readonly name = 'StoreRefusesError';

  constructor(store: 'PostgreSQL' | 'MongoDB', why: string) {
    super(`${store} takes no writes: ${why}.`);
  }
}
