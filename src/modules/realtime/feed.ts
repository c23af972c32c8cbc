import type { Delta, Watch } from '../../events/event-dispatcher.js';
import type { Envelope } from './envelope.js';
import type { Conversation } from './event.reader.js';
import type { Subscription } from './subscription.js';

/** What a feed needs of its surroundings. */
export interface FeedPort {
  read(feed: Feed, since: number): Promise<Envelope[]>;
  /** Nobody reads the feed any more. */
  drop(feed: Feed): void;
}

/** Answers that ended lately: pieces of older ones are on their way no more. */
const ENDED_MAX = 1000;

/** The events of one conversation at this instance, read once for all its subscriptions. */
export class Feed implements Watch {
  readonly accountId: string;
  readonly rootChatId: string;
  head: number;
  private readonly subscriptions = new Set<Subscription>();
  /** Readings that are under way: a thousand readers who come back at once with the same `since` read once. */
  private readonly readings = new Map<number, Promise<Envelope[]>>();
  /** Pieces that wait for the pump. */
  private readonly early: Delta[] = [];
  private readonly ended = new Set<string>();
  private pumping = false;
  private wakeAgain = false;

  constructor(
    { accountId, rootChatId, eventSeq }: Conversation,
    private readonly port: FeedPort,
  ) {
    this.accountId = accountId;
    this.rootChatId = rootChatId;
    this.head = eventSeq;
  }

  join(subscription: Subscription): void {
    this.subscriptions.add(subscription);
  }

  leave(subscription: Subscription): void {
    if (this.subscriptions.delete(subscription) && this.subscriptions.size === 0) this.port.drop(this);
  }

  wake(): void {
    this.wakeAgain = true;
    if (!this.pumping) void this.pump();
  }

  /** Pieces are told at once, and events are read: so the first piece of an answer waits until its `message.created` was looked for. */
  hear(delta: Delta): void {
    if (delta.n === 1) this.wake();
    if (delta.n === 1 || this.early.some(({ responseId }) => responseId === delta.responseId)) this.early.push(delta);
    else this.tell(delta);
  }

  private tell(delta: Delta): void {
    if (this.ended.has(delta.responseId)) return;
    for (const subscription of this.subscriptions) subscription.hear(delta);
  }

  /** The next events after `since`. @throws when they cannot be read now */
  after(since: number): Promise<Envelope[]> {
    const running = this.readings.get(since);
    if (running) return running;
    const reading = this.port.read(this, since).finally(() => this.readings.delete(since));
    this.readings.set(since, reading);
    return reading;
  }

  private async pump(): Promise<void> {
    this.pumping = true;
    try {
      while (this.wakeAgain && this.subscriptions.size > 0) {
        this.wakeAgain = false;
        const events = await this.after(this.head);
        if (events.length > 0) this.deliver(events);
      }
    } catch {
      // A store is away. The dispatcher wakes again within a second, as long as there is something after `head`.
    } finally {
      this.pumping = false;
      for (const delta of this.early.splice(0)) this.tell(delta);
    }
  }

  private deliver(events: readonly Envelope[]): void {
    this.head = events.at(-1)!.seq;
    // There may be more than fits into a page.
    this.wakeAgain = true;
    for (const subscription of this.subscriptions) subscription.push(events);
    for (const { event, responseId } of events) if (responseId !== null) this.note(event, responseId);
  }

  /** Nothing comes behind the end of an answer; a retry begins with its pair's `message.created` again. */
  private note(event: string, responseId: string): void {
    if (event === 'message.created') this.ended.delete(responseId);
    else this.ended.add(responseId);
    if (this.ended.size > ENDED_MAX) this.ended.delete(this.ended.values().next().value!);
  }
}
