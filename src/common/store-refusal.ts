/** Why PostgreSQL answers and takes no writes, by its SQLSTATE. */
export const WRITES_REFUSED: Readonly<Record<string, string>> = {
  '53100': 'its disk is full',
  '25006': 'it is read-only',
};

/** A store answers, but takes no writes. The message is for everybody: it has no names and no words. */
export class StoreRefusesError extends Error {
  override readonly name = 'StoreRefusesError';

  constructor(store: 'PostgreSQL' | 'MongoDB', why: string) {
    super(`${store} takes no writes: ${why}.`);
  }
}
