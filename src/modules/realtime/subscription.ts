import type { Envelope } from './envelope.js';
import type { Pieces } from './pieces.js';

/** Where they come from: a conversation, or an account. */
export interface FeedSource {
  /** What a reader of several knows it by. */
  readonly key: string;
  /** The number of the newest event that it has. */
  readonly head: number;
  /** Nothing can follow, nor be read again. */
  readonly isPurged: boolean;
  leave(subscription: Subscription): void;
  /** The reader has come up to it: what no event tells is told from here on. */
  tellSoFar(subscription: Subscription): void;
  /** The next events after `since`. @throws when they cannot be read now */
  after(since: number): Promise<readonly Envelope[]>;
}

/** Where the events of a subscription go: a socket, or a stream. */
export interface Sink {
  /**
   * Whether it goes on when the conversation is deleted: for what ends it, and for `chat.restored`
   * and what follows.
   */
  readonly outlivesDeletion: boolean;
  /**
   * Takes events, in their order. `isLive` events come as they happen and must be taken or the
   * reader be closed; a replay stops at an answer of false until `subscription.resume()`. A sink
   * may answer false to live events too: it then gets what follows as a replay.
   */
  deliver(events: readonly Envelope[], isLive: boolean, subscription: Subscription): boolean;
  /** Pieces of an answer that is being written. Only while the subscription is live. */
  hear(pieces: Pieces): void;
  /**
   * The subscription is over: its conversation was deleted and that told or, for a sink that
   * outlives it, purged.
   */
  finish(subscription: Subscription): void;
}

const AGAIN_MS = 1000;

/**
 * One reader's place in the events of a conversation or an account: each event after `since` is
 * taken once, in order, without a gap. What lies between `since` and the feed is read from
 * PostgreSQL page by page; whoever has come up to the feed is live and shares its reading.
 */
export class Subscription {
  private live = false;
  private wasLive = false;
  private catchingUp = false;
  private timer: NodeJS.Timeout | undefined;
  private closed = false;
  private deleted = false;

  /** @param at `seq` of the last event that the reader has */
  constructor(
    readonly feed: FeedSource,
    private readonly sink: Sink,
    private at: number,
  ) {}

  /** Begins, or goes on when the sink has room again. */
  resume(): void {
    if (!this.closed && !this.live && !this.catchingUp) void this.catchUp();
  }

  /** Events from the feed. */
  push(events: readonly Envelope[]): void {
    if (!this.live) return;
    const fresh = events[0]!.seq > this.at ? events : events.filter(({ seq }) => seq > this.at);
    if (fresh.length > 0) this.live = this.pass(fresh, true);
  }

  hear(pieces: Pieces): void {
    if (this.live && !this.deleted) this.sink.hear(pieces);
  }

  /** Whether its conversation is deleted, as far as the sink was told. */
  get isDeleted(): boolean {
    return this.deleted;
  }

  close(): void {
    this.closed = true;
    this.live = false;
    clearTimeout(this.timer);
    this.feed.leave(this);
  }

  /** Nothing can follow. */
  end(): void {
    this.close();
    this.sink.finish(this);
  }

  private async catchUp(): Promise<void> {
    this.catchingUp = true;
    try {
      // Between the look at the head and the step into the live state nothing is awaited: no event
      // can come in between.
      while (!this.closed && !this.live) {
        if (this.at >= this.feed.head) this.goLive();
        else if (!(await this.replayPage())) break;
      }
    } catch {
      // A store is away. Events come late then, but they come.
      if (!this.closed) this.timer = setTimeout(() => this.resume(), AGAIN_MS).unref();
    } finally {
      this.catchingUp = false;
    }
  }

  /**
   * Whoever fell behind is not told again what was written meanwhile: a slow reader gets an answer
   * at its end.
   */
  private goLive(): void {
    this.live = true;
    if (!this.wasLive) this.feed.tellSoFar(this);
    this.wasLive = true;
  }

  /** False when the sink takes no more for now. */
  private async replayPage(): Promise<boolean> {
    const events = await this.feed.after(this.at);
    if (this.closed) return false;
    // The rows of a purged conversation are gone: there is nothing to wait for.
    if (events.length === 0) this.at = this.feed.head;
    return events.length === 0 || this.pass(events, false);
  }

  private pass(events: readonly Envelope[], isLive: boolean): boolean {
    // What stands behind a deletion is the end of an answer that was being written.
    const goesOn = this.sink.outlivesDeletion && !this.feed.isPurged;
    const last = goesOn ? -1 : events.findIndex(({ isLast }) => isLast);
    if (last >= 0) {
      this.sink.deliver(events.slice(0, last + 1), isLive, this);
      this.end();
      return false;
    }
    this.at = events.at(-1)!.seq;
    for (const { isLast, event } of events)
      this.deleted = isLast || (this.deleted && event !== 'chat.restored');
    return this.sink.deliver(events, isLive, this) && !this.closed;
  }
}
