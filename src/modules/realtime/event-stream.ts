import { Readable } from 'node:stream';
import { sentEvent } from '../../runtime/event-stream.js';
import type { Guest } from '../auth/presence.service.js';
import { DeltaTray } from './delta-tray.js';
import { control, type Envelope } from './envelope.js';
import type { Pieces } from './pieces.js';
import type { Sink, Subscription } from './subscription.js';

/**
 * What may wait in the stream itself; a slow reader then gets the rest from PostgreSQL, page by
 * page, as it reads.
 */
const BUFFERED_BYTES = 64 * 1024;
const KEEP_ALIVE = Buffer.from(':\n\n');

/**
 * The events of one conversation or of an account as server-sent events. Ends when the conversation
 * is deleted, or with `expel()`.
 */
export class EventStream extends Readable implements Guest, Sink {
  readonly outlivesDeletion = false;
  private readonly tray = new DeltaTray((pieces) => this.say(pieces));
  private subscription: Subscription | null = null;
  /** Whether the reader has taken nothing since the last keep-alive. */
  private stalled = false;

  /** @param onClose called once, however it ends */
  constructor(private readonly onClose: (stream: EventStream) => void) {
    super({ highWaterMark: BUFFERED_BYTES });
  }

  /**
   * @param subscribed to what, and the newest `seq` of it
   * @param at the `seq` that the reader has: whoever comes back before the first event has it as
   * `Last-Event-ID`
   */
  begin(subscription: Subscription, subscribed: object, at: number): void {
    this.subscription = subscription;
    this.push(sentEvent(control('subscribed', subscribed), 'subscribed', at));
    subscription.resume();
  }

  deliver(events: readonly Envelope[]): boolean {
    this.tray.sendBefore(events);
    let hasRoom = true;
    for (const event of events) hasRoom = this.push(event.serverSent);
    return hasRoom;
  }

  hear(pieces: Pieces): void {
    this.tray.add(pieces);
  }

  finish(): void {
    this.tray.close();
    this.push(null);
  }

  expel(): void {
    this.finish();
  }

  /**
   * Keeps proxies from closing a quiet stream. A reader who took nothing since the last time is
   * closed.
   */
  keepAlive(): void {
    if (this.readableLength === 0) this.push(KEEP_ALIVE);
    else if (this.stalled) this.destroy();
    this.stalled = this.readableLength > 0;
  }

  override _read(): void {
    this.stalled = false;
    this.subscription?.resume();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.tray.close();
    this.subscription?.close();
    this.onClose(this);
    done(error);
  }

  /**
   * Pieces of an answer are for readers who keep up; the others get the answer when it is complete.
   */
  private say(pieces: Pieces): void {
    if (this.readableLength < BUFFERED_BYTES) this.push(pieces.serverSent);
  }
}
