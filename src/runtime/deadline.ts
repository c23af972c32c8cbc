/**
 * Answers as `work` does, or fails with `late()` after `ms` milliseconds; what `work` comes to after that is nobody's concern. A process that did
 * not get to run for so long first reads what has arrived meanwhile: that is no silence of the other side.
 */
export async function within<Result>(ms: number, work: Promise<Result>, late: () => Error): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => setImmediate(() => reject(late())), ms);
  });
  try {
    return await Promise.race([work, expired]);
  } finally {
    clearTimeout(timer);
  }
}
