import { type Collection, mongo } from 'mongoose';

export const DUPLICATE_KEY = 11000;

/** What became of operations that do not wait for each other; `errors` by their numbers. */
export interface BulkOutcome {
  matched: number;
  errors: ReadonlyMap<number, mongo.WriteError>;
}

/** @throws when nothing is known of any of them */
export async function writeAll<Document extends mongo.BSON.Document>(
  documents: Collection<Document>,
  operations: readonly mongo.AnyBulkWriteOperation<Document>[],
): Promise<BulkOutcome> {
  try {
    const { matchedCount } = await documents.bulkWrite(operations, { ordered: false });
    return { matched: matchedCount, errors: new Map() };
  } catch (error) {
    if (!(error instanceof mongo.MongoBulkWriteError)) throw error;
    const errors = [error.writeErrors].flat();
    // Not on enough members yet, so perhaps none of them stays.
    if (errors.length === 0 || error.result.getWriteConcernError()) throw error;
    return {
      matched: error.result.matchedCount,
      errors: new Map(errors.map((one) => [one.index, one])),
    };
  }
}

export const refusalOf = (what: string, { code, errmsg }: mongo.WriteError): Error =>
  new Error(`MongoDB refused the ${what} of a pair (${code}): ${errmsg}`);
