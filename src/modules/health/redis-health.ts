import { Injectable, Logger } from '@nestjs/common';
import { Config } from '../../config/config.js';
import { Outage } from '../../runtime/outage.js';
import type { Redis } from '../../runtime/redis.js';
import { ClosesAt } from '../../runtime/shutdown.module.js';

const PATIENCE_MS = 1500;

/** Says whether Redis answers, over a connection of its own: those of the others may be busy. */
@Injectable()
export class RedisHealth {
  private redis: Promise<Redis> | undefined;

  constructor(private readonly config: Config) {}

  get mode(): 'external' | 'memory' {
    return this.config.REDIS_URL ? 'external' : 'memory';
  }

  /** Without REDIS_URL there is nothing to ask. @throws when Redis is away */
  async ping(): Promise<void> {
    const { REDIS_URL } = this.config;
    if (!REDIS_URL) return;
    const redis = await (this.redis ??= open(REDIS_URL));
    await redis.ask((client) => client.ping());
  }

  @ClosesAt('redis')
  async close(): Promise<void> {
    (await this.redis)?.close();
  }
}

async function open(url: string): Promise<Redis> {
  const { Redis } = await import('../../runtime/redis.js');
  const outage = new Outage((cause) =>
    new Logger('Health').debug({ message: 'Redis is away', cause }),
  );
  return new Redis(url, outage, PATIENCE_MS).opened();
}
