import type { Delta, Progress, Watch } from '../../events/event-dispatcher.js';
import { Envelope } from './envelope.js';
import type { ConversationHead, EventPage } from './event.reader.js';
import { Pieces } from './pieces.js';
import type { FeedSource, Subscription } from './subscription.js';

/** What a feed needs of its surroundings. */
export interface FeedPort {
  read(feed: Feed, since: number): Promise<EventPage>;
  /** Has the feed hear the rest of answers that have ended. */
  tellRest(feed: Feed, responseIds: readonly string[]): Promise<void>;
  /** Nobody reads the feed any more. */
  drop(feed: Feed): void;
}

/** An answer that is being written. */
interface Answer {
  generationId: string;
  /** All of it that was heard, from its first piece on. */
  soFar: Pieces;
  /** The number of the reading that was the newest one when its first piece was heard. */
  reading: number;
  /** Whether readers know of it: whoever comes later is told `soFar`, and all what follows. */
  isTold: boolean;
}

/** Answers that ended lately: pieces of older ones are on their way no more. */
const ENDED_MAX = 1000;

/** The events of one conversation at this instance, read once for all its subscriptions. */
export class Feed implements Watch, FeedSource {
  readonly accountId: string;
  readonly rootChatId: string;
  head: number;
  private readonly subscriptions = new Set<Subscription>();
  /**
   * Readings that are under way: a thousand readers who come back at once with the same `since`
   * read once.
   */
  private readonly readings = new Map<number, Promise<EventPage>>();
  /** By pair. */
  private readonly answers = new Map<string, Answer>();
  private readonly ended = new Set<string>();
  private last: Envelope | null = null;
  private reading = 0;
  private pumping = false;
  private wakeAgain = false;

  constructor(
    { accountId, rootChatId, eventSeq }: ConversationHead,
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
    if (this.subscriptions.delete(subscription) && this.subscriptions.size === 0)
      this.port.drop(this);
  }

  wake(): void {
    this.wakeAgain = true;
    if (!this.pumping) void this.pump();
  }

  get key(): string {
    return this.rootChatId;
  }

  get isPurged(): boolean {
    return this.last !== null;
  }

  /**
   * The conversation was purged. Who knows of its deletion hears nothing more; this instance may
   * have missed that, and tells it behind what is known.
   */
  end(): void {
    if (this.last) return;
    for (const subscription of this.subscriptions) if (subscription.isDeleted) subscription.end();
    const gone = JSON.stringify({ chat_id: this.rootChatId, root_chat_id: this.rootChatId });
    this.last = new Envelope('chat.deleted', this.head + 1, gone, true);
    this.deliver([this.last]);
  }

  /**
   * Pieces are told at once, and events are read: so those of a new answer wait until its
   * `message.created` was looked for.
   */
  hear(delta: Delta): void {
    if (this.ended.has(delta.generationId)) return;
    const pieces = new Pieces(delta);
    const answer = this.answers.get(delta.responseId);
    if (answer?.generationId !== delta.generationId) return this.begin(pieces);
    if (!answer.soFar.isFollowedBy(pieces)) return;
    answer.soFar = answer.soFar.with(pieces);
    if (answer.isTold) this.tell(pieces);
    else this.wake();
  }

  progress(): Progress[] {
    return [...this.answers.values()].map(({ generationId, soFar }) => ({
      generationId,
      n: soFar.delta.n,
    }));
  }

  /**
   * A reader has come up to the feed: it is told what was written so far of each answer that it
   * knows of.
   */
  tellSoFar(subscription: Subscription): void {
    for (const { isTold, soFar } of this.answers.values()) if (isTold) subscription.hear(soFar);
  }

  /** The next events after `since`. @throws when they cannot be read now */
  async after(since: number): Promise<readonly Envelope[]> {
    return (await this.page(since)).events;
  }

  private page(since: number): Promise<EventPage> {
    const running = this.readings.get(since);
    if (running) return running;
    const reading = this.read(since).finally(() => this.readings.delete(since));
    this.readings.set(since, reading);
    return reading;
  }

  private async read(since: number): Promise<EventPage> {
    const page = await this.port.read(this, since);
    return page.events.length === 0 && this.last ? { events: [this.last], hasMore: false } : page;
  }

  private begin(soFar: Pieces): void {
    const { from, responseId, generationId } = soFar.delta;
    if (from !== 1) return;
    this.answers.set(responseId, { generationId, soFar, reading: this.reading, isTold: false });
    this.wake();
  }

  private async pump(): Promise<void> {
    this.pumping = true;
    try {
      while (this.wakeAgain && this.subscriptions.size > 0) {
        this.wakeAgain = false;
        const reading = ++this.reading;
        const { events, hasMore } = await this.page(this.head);
        await this.hearRest(events);
        if (events.length > 0) this.deliver(events);
        if (hasMore) this.wakeAgain = true;
        else this.tellThoseBefore(reading);
      }
    } catch {
      // A store is away. The dispatcher wakes again within a second, as long as there is something
      // after `head`.
    } finally {
      this.pumping = false;
    }
  }

  /** Of answers that end with these events, and were written elsewhere. */
  private async hearRest(events: readonly Envelope[]): Promise<void> {
    const ended = events
      .map(({ endOf }) => endOf)
      .filter((id) => id !== null && !this.answers.get(id)?.soFar.delta.isLocal);
    if (ended.length > 0) await this.port.tellRest(this, ended as string[]);
  }

  /** Pieces of an answer come behind its `message.created`, and before its end. */
  private deliver(events: readonly Envelope[]): void {
    this.head = events.at(-1)!.seq;
    // A retry begins with its pair's `message.created` again: pieces that wait are those of the
    // last one.
    const begins = new Map(events.map(({ begins, seq }) => [begins, seq]));
    let pushed = 0;
    const pushTo = (end: number): void => {
      this.push(events.slice(pushed, end));
      pushed = end;
    };
    for (const [at, { seq, begins: begun, endOf }] of events.entries()) {
      const answer = this.answers.get(begun ?? endOf ?? '');
      const isOfLast = (begins.get(begun ?? endOf) ?? 0) <= seq;
      if (!answer || !(answer.isTold || isOfLast)) continue;
      pushTo(begun === null ? at : at + 1);
      if (!answer.isTold) this.announce(answer);
      if (endOf !== null) this.forget(endOf, answer);
    }
    pushTo(events.length);
  }

  private push(events: readonly Envelope[]): void {
    if (events.length > 0) for (const subscription of this.subscriptions) subscription.push(events);
  }

  private tell(pieces: Pieces): void {
    for (const subscription of this.subscriptions) subscription.hear(pieces);
  }

  private announce(answer: Answer): void {
    answer.isTold = true;
    this.tell(answer.soFar);
  }

  /**
   * Of answers that were heard before a reading began which found nothing more, all readers have
   * the `message.created`.
   */
  private tellThoseBefore(reading: number): void {
    for (const answer of this.answers.values())
      if (!answer.isTold && answer.reading < reading) this.announce(answer);
  }

  /** Nothing comes behind the end of an answer. */
  private forget(responseId: string, { generationId }: Answer): void {
    this.answers.delete(responseId);
    this.ended.add(generationId);
    if (this.ended.size > ENDED_MAX) this.ended.delete(this.ended.values().next().value!);
  }
}
