import { Logger } from '@nestjs/common';
import { createClient, type RedisClientType } from '@redis/client';
import { Channel, Outage } from './channel.js';

const NAME = 'banyan:events';
/** A Redis that hangs is found out by this; what is sent until then is dropped, not heaped up. */
const PING_MS = 2000;
const QUEUE_MAX = 1000;
const AGAIN_MS = 1000;

/** Between instances that share a Redis (`REDIS_URL`). */
export class RedisChannel extends Channel {
  override readonly charsMax = 65_536;
  private readonly outage = new Outage((cause) => new Logger('Events').warn({ message: 'Redis is away; events come late', cause }));
  private readonly sender: RedisClientType;
  private readonly listener: RedisClientType;
  private timer: NodeJS.Timeout | undefined;

  constructor(url: string) {
    super();
    this.sender = this.client(url);
    this.listener = this.client(url);
    this.sender.connect().catch(() => undefined);
  }

  override async send(message: string): Promise<void> {
    await this.sender.publish(NAME, message);
  }

  override listen(hear: (message: string) => void): void {
    this.subscribe(hear).catch((error: unknown) => {
      this.outage.begin(error);
      this.timer = setTimeout(() => this.listen(hear), AGAIN_MS).unref();
    });
  }

  override close(): Promise<void> {
    clearTimeout(this.timer);
    for (const client of [this.sender, this.listener]) if (client.isOpen) client.destroy();
    return Promise.resolve();
  }

  private async subscribe(hear: (message: string) => void): Promise<void> {
    if (!this.listener.isOpen) await this.listener.connect();
    // From now on the client subscribes again by itself whenever it has connected again.
    await this.listener.subscribe(NAME, hear);
  }

  /** A client that fails at once while Redis is away, and comes back by itself. */
  private client(url: string): RedisClientType {
    const reconnectStrategy = (retries: number): number => Math.min(200 * 2 ** retries, 3000);
    const socket = { connectTimeout: 500, socketTimeout: 2 * PING_MS, reconnectStrategy };
    const options = { url, socket, disableOfflineQueue: true, pingInterval: PING_MS, commandsQueueMaxLength: QUEUE_MAX };
    const client = createClient(options) as RedisClientType;
    client.on('error', (error: Error) => this.outage.begin(error));
    client.on('ready', () => this.outage.end());
    return client;
  }
}
