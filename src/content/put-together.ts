import type { ContentStore, PairWrite } from './content-store.js';

interface WaitingWrite {
  pair: PairWrite;
  resolve: () => void;
  reject: (error: unknown) => void;
}

/**
 * Pairs that are put in one turn of the event loop go to the store in one write: what many appends
 * committed together costs hardly more than one of them. Nobody waits for anybody who comes later.
 */
export class PutTogether {
  private waiting = new Map<string, WaitingWrite>();

  constructor(private readonly store: ContentStore) {}

  /** @throws like `ContentStore.put` */
  put(pair: PairWrite): Promise<void> {
    if (this.waiting.has(pair.responseId)) void this.write(); // a write names each pair once
    if (this.waiting.size === 0) setImmediate(() => void this.write());
    return new Promise((resolve, reject) =>
      this.waiting.set(pair.responseId, { pair, resolve, reject }),
    );
  }

  private async write(): Promise<void> {
    const together = [...this.waiting.values()];
    this.waiting = new Map();
    if (together.length === 0) return;
    try {
      const failures = await this.store.putMany(together.map(({ pair }) => pair));
      for (const { pair, resolve, reject } of together) {
        const failure = failures.get(pair.responseId);
        if (failure) reject(failure);
        else resolve();
      }
    } catch (error) {
      for (const { reject } of together) reject(error);
    }
  }
}
