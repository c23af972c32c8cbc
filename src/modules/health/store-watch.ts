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
  private readonly loop: Loop;
  private isKnown = false;

  /**
   * @param ping rejects when the store is away
   * @param everyMs a store that is asked more seldom than others is asked by nobody else
   */
  constructor(
    private readonly ping: () => Promise<unknown>,
    private readonly everyMs = EVERY_MS,
  ) {
    const ask = async (): Promise<void> => void (await this.ask());
    this.loop = new Loop(ask, new Outage(() => undefined), { everyMs });
  }

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
  async status(): Promise<StoreStatus> {
    if (this.isKnown && this.everyMs > EVERY_MS) return this.known;
    return within(PATIENCE_MS, this.ask(), late).catch(() => this.known);
  }

  private ask(): Promise<StoreStatus> {
    return (this.asking ??= this.askAnew().finally(() => (this.asking = null)));
  }

  private async askAnew(): Promise<StoreStatus> {
    this.known = await within(SILENCE_MS, this.ping(), late).then(
      () => 'up' as const,
      () => 'down' as const,
    );
    this.isKnown = true;
    return this.known;
  }
}

const late = (): Error => new Error('too slow');
