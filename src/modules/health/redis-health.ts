import { Injectable } from '@nestjs/common';
import { Config } from '../../config/config.js';

const CONNECT_TIMEOUT_MS = 1500;

/** Says whether Redis answers. */
@Injectable()
export class RedisHealth {
  constructor(private readonly config: Config) {}

  /**
   * Asks over a connection of its own, which ends with the answer: the clients of cache and limits hide an outage, as they should.
   * Without REDIS_URL there is nothing to ask.
   * @throws when Redis is away
   */
  async ping(): Promise<void> {
    if (!this.config.REDIS_URL) return;
    const { createClient } = await import('@redis/client');
    const socket = { connectTimeout: CONNECT_TIMEOUT_MS, reconnectStrategy: false as const };
    const client = createClient({ url: this.config.REDIS_URL, disableOfflineQueue: true, socket });
    client.on('error', () => {}); // connect() and ping() reject with it
    try {
      await client.connect();
      await client.ping();
    } finally {
      if (client.isOpen) client.destroy();
    }
  }
}
