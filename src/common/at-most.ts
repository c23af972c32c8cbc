/**
 * The bound of an LRU of so many. With the library's own `max` it would make the room for all of
 * them beforehand: those of a server are 45 ms of its start, and some MB that it may never need.
 */
export const atMost = (count: number) => ({ maxSize: count, sizeCalculation: () => 1 });
