import { setTimeout as sleep } from 'node:timers/promises';

/** A store that answers later than this is away. */
const SILENCE_MS = 2000;
/** What is known already is told to who would wait longer. */
const PATIENCE_MS = 300;
const EVERY_MS = 1000;

export type StoreStatus = 'up' | 'down';

/** Knows the state of a store before anybody asks for it, by asking the store every second; one question at a time. */
export class StoreWatch {
  private known: StoreStatus = 'down';
  private asking: Promise<StoreStatus> | null = null;
  private timer: NodeJS.Timeout | undefined;

  /** @param ping rejects when the store is away */
  constructor(private readonly ping: () => Promise<unknown>) {}

  start(): void {
    this.timer = setInterval(() => void this.ask(), EVERY_MS).unref();
    void this.ask();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** The state of this moment where the store says it in time, else the newest that is known. Never rejects. */
  status(): Promise<StoreStatus> {
    return first(this.ask(), PATIENCE_MS, () => this.known);
  }

  private ask(): Promise<StoreStatus> {
    return (this.asking ??= this.askAnew().finally(() => (this.asking = null)));
  }

  private async askAnew(): Promise<StoreStatus> {
    const answer = this.ping().then(
      () => 'up' as const,
      () => 'down' as const,
    );
    return (this.known = await first(answer, SILENCE_MS, () => 'down'));
  }
}

async function first(answer: Promise<StoreStatus>, ms: number, otherwise: () => StoreStatus): Promise<StoreStatus> {
  const abort = new AbortController();
  const late = sleep(ms, undefined, { signal: abort.signal, ref: false }).then(otherwise, otherwise);
  const status = await Promise.race([answer, late]);
  abort.abort();
  return status;
}
