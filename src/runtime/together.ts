import { requestDeadline, under } from './deadline.js';

/** What is asked together, and what is found of it, by its places from 1. */
interface Batch<Asked, Found> {
  asked: Asked[];
  found: Promise<ReadonlyMap<number, Found>>;
}

/**
 * All who ask in one turn of the event loop share one look: under load the round trip of a
 * statement costs more than a look-up by key, and than all else that is done for it.
 */
export class Together<Asked, Found> {
  private batch: Batch<Asked, Found> | null = null;

  /**
   * @param max how many share a look at most
   * @param find finds what was asked, each by its place from 1; nothing is left out of the map but
   * what is not there
   */
  constructor(
    private readonly max: number,
    private readonly find: (asked: readonly Asked[]) => Promise<ReadonlyMap<number, Found>>,
  ) {}

  /** Undefined where there is nothing. Rejects where the look fails, as it does for all of it. */
  async ask(one: Asked): Promise<Found | undefined> {
    const batch = (this.batch ??= this.open());
    const place = batch.asked.push(one);
    if (place >= this.max) this.batch = null;
    return (await batch.found).get(place);
  }

  private open(): Batch<Asked, Found> {
    const asked: Asked[] = [];
    // The first has waited longest: its deadline is that of the look.
    const limit = requestDeadline();
    const found = new Promise<ReadonlyMap<number, Found>>((resolve) => {
      setImmediate(() => {
        if (this.batch?.asked === asked) this.batch = null;
        resolve(under(limit, () => this.find(asked)));
      });
    });
    return { asked, found };
  }
}
