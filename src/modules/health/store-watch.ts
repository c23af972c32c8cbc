import { within } from '../../runtime/deadline.js';
import { Loop } from '../../runtime/loop.js';
import { Outage } from '../../runtime/outage.js';

/** A store that answers later than this is away. */
const SILENCE_MS = 2000;
/** What is known already is told to who would wait longer. */
const PATIENCE_MS = 300;
const EVERY_MS = 1000;

export type StoreStatus = 'up' | 'down';

/**
 * Knows the state of a store before anybody asks for it, by asking the store every second; one
 * question at a time.
 */
export class StoreWatch {
  private known: StoreStatus = 'down';
  private asking: Promise<StoreStatus> | null = null;
  /** Has no outage to tell: what it finds is asked for. */
  private readonly loop = new Loop(
    async () => void (await this.ask()),
    new Outage(() => undefined),
    { everyMs: EVERY_MS },
  );

  /** @param ping rejects when the store is away */
  constructor(private readonly ping: () => Promise<unknown>) {}

  start(): void {
    this.loop.start(0);
  }

  stop(): Promise<void> {
    return this.loop.stop();
  }

  /**
   * The state of this moment where the store says it in time, else the newest that is known. Never
   * rejects.
   */
  status(): Promise<StoreStatus> {
    return within(PATIENCE_MS, this.ask(), late).catch(() => this.known);
  }

  private ask(): Promise<StoreStatus> {
    return (this.asking ??= this.askAnew().finally(() => (this.asking = null)));
  }

  private async askAnew(): Promise<StoreStatus> {
    return (this.known = await within(SILENCE_MS, this.ping(), late).then(
      () => 'up' as const,
      () => 'down' as const,
    ));
  }
}

const late = (): Error => new Error('too slow');
