import type { Envelope } from './envelope.js';
import type { EventPage } from './event.reader.js';
import type { FeedSource, Subscription } from './subscription.js';

/** What the feed of an account needs of its surroundings. */
export interface AccountFeedPort {
  /** Numbers what is new in some conversations; null: in all of them. */
  number(accountId: string, rootChatIds: readonly string[] | null): Promise<void>;
  read(accountId: string, since: number): Promise<EventPage>;
  /** Nobody reads the feed any more. */
  drop(feed: AccountFeed): void;
}

/** More conversations with news than that are found by looking at all of them. */
const NOTED_MAX = 1000;

/**
 * The events of one account at this instance, numbered and read once for all its subscriptions. It
 * knows which conversations have news and nothing else of them, so a slow reader costs no memory.
 */
export class AccountFeed implements FeedSource {
  readonly key = 'account';
  readonly isPurged = false;
  /** When all conversations are to be looked at, in `performance.now()`. */
  lookAtMs = 0;
  private readonly subscriptions = new Set<Subscription>();
  private readonly readings = new Map<number, Promise<EventPage>>();
  /** Conversations with news; null: any. */
  private noted: Set<string> | null = new Set();
  private pumping = false;
  private settled: Promise<void> = Promise.resolve();
  private wakeAgain = false;

  constructor(
    readonly accountId: string,
    public head: number,
    private readonly port: AccountFeedPort,
  ) {}

  join(subscription: Subscription): void {
    this.subscriptions.add(subscription);
  }

  leave(subscription: Subscription): void {
    if (this.subscriptions.delete(subscription) && this.subscriptions.size === 0)
      this.port.drop(this);
  }

  /** Something is new in a conversation; null: elsewhere in the account. */
  note(rootChatId: string | null): void {
    if (rootChatId !== null) this.noted?.add(rootChatId);
    if (this.noted && this.noted.size > NOTED_MAX) this.noted = null;
    this.wake();
  }

  /** Any conversation may have news. */
  lookAtAll(): void {
    this.noted = null;
    this.wake();
  }

  /** Waits until what was noted so far is told. */
  async settle(): Promise<void> {
    this.wake();
    await this.settled;
  }

  /** Nothing of an answer is told to those who follow an account. */
  tellSoFar(): void {}

  async after(since: number): Promise<readonly Envelope[]> {
    return (await this.page(since)).events;
  }

  private page(since: number): Promise<EventPage> {
    const running = this.readings.get(since);
    if (running) return running;
    const reading = this.port
      .read(this.accountId, since)
      .finally(() => this.readings.delete(since));
    this.readings.set(since, reading);
    return reading;
  }

  private wake(): void {
    this.wakeAgain = true;
    if (!this.pumping) this.settled = this.pump();
  }

  private async pump(): Promise<void> {
    this.pumping = true;
    try {
      while (this.wakeAgain) {
        this.wakeAgain = false;
        const noted = this.noted;
        this.noted = new Set();
        if (noted === null || noted.size > 0)
          await this.port.number(this.accountId, noted && [...noted]);
        await this.tell();
      }
    } catch {
      // A store is away. All is looked at again, by the clock.
      this.noted = null;
      this.lookAtMs = 0;
    } finally {
      this.pumping = false;
    }
  }

  private async tell(): Promise<void> {
    for (let more = true; more;) {
      const { events, hasMore } = await this.page(this.head);
      more = hasMore;
      if (events.length === 0) return;
      this.head = events.at(-1)!.seq;
      for (const subscription of this.subscriptions) subscription.push(events);
    }
  }
}
