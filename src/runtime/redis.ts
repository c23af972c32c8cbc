import { createClient, ErrorReply, type RedisClientType } from '@redis/client';
import { within } from './deadline.js';
import type { Outage } from './outage.js';

/**
 * What those wait for Redis who can do without it (counters, the cache): no request is slower for
 * its absence.
 */
const PATIENCE_MS = 50;
/**
 * How long Redis is not asked again after it failed. Then one question finds out whether it is
 * back; the others do not wait for that.
 */
const PAUSE_MS = 1000;
/** What a start waits for the first connection; it does not need it. */
const START_PATIENCE_MS = 1000;
const CONNECT_TIMEOUT_MS = 500;
const RECONNECT_MS_MAX = 1000;
/**
 * A server that fell silent without a good-bye (a lost network, a failed machine) is found out by
 * this; TCP would tell after minutes.
 */
const PING_MS = 2000;
const SILENCE_MS = 2 * PING_MS;
/** What waits for a silent server is dropped above this, not heaped up. */
const QUEUE_MAX = 1000;

/**
 * Redis was not asked (`sent` is false), or gave no answer to what may have been done (`sent` is
 * true).
 */
export class RedisAwayError extends Error {
  override readonly name = 'RedisAwayError';

  constructor(
    readonly sent: boolean,
    cause?: unknown,
  ) {
    super('Redis is away.', { cause });
  }
}

/**
 * The one way to Redis. It fails at once while Redis is away, waits no longer for an answer than
 * `patienceMs`, leaves a Redis that failed alone for a while, and comes back by itself. Those who
 * need it for different things have one each: a long answer of one delays no other.
 */
export class Redis {
  /** For libraries that bring their own commands; call them inside of `ask`. */
  readonly client: RedisClientType;
  private readonly opening: Promise<unknown>;
  private listener: RedisClientType | undefined;
  private failed = false;
  private askAgainAtMs = 0;

  constructor(
    private readonly url: string,
    private readonly outage: Outage,
    private readonly patienceMs = PATIENCE_MS,
  ) {
    this.client = aClient(url, true);
    this.client.on('error', (error: Error) => outage.begin(error));
    this.client.on('ready', () => this.well());
    this.opening = this.client.connect().catch(() => undefined);
  }

  /**
   * Waits for the first connection, a second at most. Never throws: a Redis that is away then is
   * tried for on and on.
   */
  async opened(): Promise<this> {
    await within(START_PATIENCE_MS, this.opening, () => new RedisAwayError(false)).catch(
      () => undefined,
    );
    return this;
  }

  /**
   * @throws RedisAwayError; or ErrorReply, which is what Redis itself said, and then it has not
   * done it
   */
  async ask<Reply>(run: (client: RedisClientType) => Promise<Reply>): Promise<Reply> {
    if (!this.client.isReady || !this.mayAsk()) throw new RedisAwayError(false);
    try {
      const reply = await within(this.patienceMs, run(this.client), silent);
      if (this.failed) this.well();
      return reply;
    } catch (error) {
      this.outage.begin(error);
      if (error instanceof ErrorReply) throw error;
      this.pause();
      throw new RedisAwayError(true, error);
    }
  }

  /**
   * Hears what is published, over a connection of its own, and again after every outage. Call it
   * once.
   * @param onGap is called whenever something may have been missed: after each new connection
   */
  listen(
    channel: string,
    hear: (message: string) => void,
    onGap: () => void = () => undefined,
  ): void {
    // Waits in the client while Redis is away, and is done again by the client after every
    // reconnection.
    this.listener = aClient(this.url, false);
    this.listener.on('error', (error: Error) => this.outage.begin(error));
    this.listener.on('ready', onGap);
    this.listener.connect().catch(() => undefined);
    this.listener.subscribe(channel, hear).then(onGap, () => undefined);
  }

  close(): void {
    for (const client of [this.client, this.listener]) if (client?.isOpen) client.destroy();
  }

  private mayAsk(): boolean {
    if (!this.failed) return true;
    if (performance.now() < this.askAgainAtMs) return false;
    this.pause();
    return true;
  }

  private pause(): void {
    this.failed = true;
    this.askAgainAtMs = performance.now() + PAUSE_MS;
  }

  private well(): void {
    this.failed = false;
    this.outage.end();
  }
}

const silent = (): Error => new Error('Redis does not answer.');

function aClient(url: string, failAtOnce: boolean): RedisClientType {
  return createClient({
    url,
    disableOfflineQueue: failAtOnce,
    commandsQueueMaxLength: QUEUE_MAX,
    pingInterval: PING_MS,
    socket: {
      connectTimeout: CONNECT_TIMEOUT_MS,
      socketTimeout: SILENCE_MS,
      reconnectStrategy: (tries) => Math.min(100 * 2 ** tries, RECONNECT_MS_MAX),
    },
  }) as RedisClientType;
}
