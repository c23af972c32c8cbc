/** Thrown when MongoDB did not answer in time, or was never reached. What was asked may still happen: every write here is idempotent. */
export class StoreAwayError extends Error {
  override readonly name = 'StoreAwayError';
}

/**
 * Answers as `work` does, or fails after `ms` milliseconds. The driver's own time limits hold for one step each (selection, checkout, socket)
 * and are repeated by its retries; this one holds for all of them together.
 */
export async function within<Result>(ms: number, work: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new StoreAwayError(`MongoDB did not answer within ${ms} ms.`)), ms);
  });
  try {
    return await Promise.race([work, expired]);
  } finally {
    clearTimeout(timer);
  }
}
