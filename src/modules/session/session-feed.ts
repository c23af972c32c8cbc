import { setTimeout as sleep } from 'node:timers/promises';
import type {
  SessionChange,
  SessionKey,
  SessionMessage,
  SessionStore,
  Wake,
} from './session-store.js';

/** How long to wait after a store that was away. */
const RETRY_MS = 1000;
/**
 * Changes that may wait for a reader who is slow. With more, they are forgotten and read from the
 * store when the reader has time.
 */
const WAITING_MAX = 16;

/** What somebody who follows a session is told. */
export interface SessionEvents {
  'session.sync': { session_id: string; messages: SessionMessage[] };
  'message.created': SessionMessage;
  'session.cleared': { session_id: string };
}

/** May take its time: meanwhile nothing more is read for this reader. */
export type Tell = <Event extends keyof SessionEvents>(
  event: Event,
  data: SessionEvents[Event],
) => void | Promise<void>;

/**
 * Follows a session for one reader. A change that comes right behind what this reader has is told
 * as it is heard; whenever it does not, something was missed, and what is told is read from the
 * store, from where this reader stands. So changes that are lost make nothing missed and nothing
 * told twice.
 */
export class SessionFeed {
  private readonly unwatch: () => void;
  /** How many messages the reader has; the last of them is `lastId`. */
  private told = 0;
  private lastId = '';
  private waiting: Wake[] = [];
  /**
   * The store has to be looked at; `cleared` when one of the changes that were not told was a
   * clear.
   */
  private dirty = false;
  private cleared = false;
  /** Until `run`, changes only wait. */
  private busy = true;
  private ended = false;

  constructor(
    private readonly store: SessionStore,
    private readonly key: SessionKey,
    private readonly tell: Tell,
  ) {
    this.unwatch = store.watch(key, (wake) => this.wake(wake));
  }

  /** The session as it is; what comes later is told after `run`. @throws store_unavailable */
  async sync(): Promise<SessionEvents['session.sync']> {
    const messages = await this.store.read(this.key);
    this.stand(messages);
    return { session_id: this.key.sessionId, messages };
  }

  /** Tells what is new, and goes on until there is nothing more. */
  async run(): Promise<void> {
    this.busy = true;
    while (!this.ended && (this.waiting.length > 0 || this.dirty)) {
      const next = this.waiting.shift();
      if (next) await this.follow(next);
      else await this.look();
    }
    this.busy = false;
  }

  end(): void {
    this.ended = true;
    this.unwatch();
  }

  private wake(wake: Wake): void {
    this.waiting.push(wake);
    if (this.waiting.length > WAITING_MAX) for (const one of this.waiting.splice(0)) this.miss(one);
    if (!this.busy) void this.run();
  }

  private miss(wake: Wake): void {
    this.dirty = true;
    if (wake !== 'look' && !wake.message) this.cleared = true;
  }

  private async follow(wake: Wake): Promise<void> {
    // Ids are never given twice: where one fits, this is the place at which the store was then, and
    // the reader has all before it.
    const isNext = wake !== 'look' && wake.after === this.lastId;
    const isTold = wake !== 'look' && wake.message?.id === this.lastId;
    if (!isNext && !isTold) return this.miss(wake);
    this.dirty = this.cleared = false;
    if (isNext) await this.pass(wake);
  }

  private async pass({ message }: SessionChange): Promise<void> {
    if (!message) return this.forget();
    await this.tell('message.created', message);
    this.stand([message]);
  }

  private async look(): Promise<void> {
    const { cleared } = this;
    this.dirty = this.cleared = false;
    try {
      await this.catchUp(cleared);
    } catch {
      // Whoever wakes us when the store is back may come before or after this.
      await sleep(RETRY_MS, undefined, { ref: false });
      this.dirty = true;
      this.cleared ||= cleared;
    }
  }

  private async catchUp(cleared: boolean): Promise<void> {
    // Begins with the last message that the reader has: if that is not there any more, neither is
    // the session it was in.
    const found = await this.store.read(this.key, Math.max(0, this.told - 1));
    const same = this.told > 0 && found[0]?.id === this.lastId;
    const anew = this.told > 0 && !same;
    const news = same ? found.slice(1) : this.told > 1 ? await this.store.read(this.key) : found;
    if (anew || (cleared && this.told === 0)) await this.forget();
    for (const message of news) {
      if (this.ended) return;
      await this.tell('message.created', message);
    }
    this.stand(news);
  }

  private async forget(): Promise<void> {
    await this.tell('session.cleared', { session_id: this.key.sessionId });
    this.told = 0;
    this.lastId = '';
  }

  private stand(news: readonly SessionMessage[]): void {
    this.told += news.length;
    this.lastId = news.at(-1)?.id ?? this.lastId;
  }
}
