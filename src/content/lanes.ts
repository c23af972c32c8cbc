/**
 * Does `work` for every item, at most `count` at a time, in their order. After a failure no new
 * item is begun.
 * @throws the first failure, once everything that was begun has ended.
 */
export async function inLanes<Item>(
  count: number,
  items: readonly Item[],
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const queue = items.values();
  let broken = false;
  const lane = async (): Promise<void> => {
    for (const item of queue) {
      if (broken) return;
      try {
        await work(item);
      } catch (error) {
        broken = true;
        throw error;
      }
    }
  };
  const ends = await Promise.allSettled(
    Array.from({ length: Math.min(count, items.length) }, lane),
  );
  const failure = ends.find((end) => end.status === 'rejected');
  if (failure) throw failure.reason;
}
