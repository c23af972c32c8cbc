import { Injectable, Logger, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import type { RedisClientType } from '@redis/client';
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import type { Policy, Standing } from './rate-limit.js';

/** Given by whoever reads the configuration. 0 is off. */
export abstract class RateLimitSettings {
  accountPerMinute!: number;
  addressPerMinute!: number;
  /** Counts for all instances together when it is set. */
  redisUrl?: string | undefined;
}

const WINDOW_SECONDS = 60;
/** A Redis that takes longer counts as away: no request waits for a counter. */
const REDIS_PATIENCE_MS = 50;
/** How long Redis is left alone after it failed; the process counts for itself meanwhile. */
const REDIS_PAUSE_MS = 2000;

/** Counts requests in fixed windows of a minute: in Redis where there is one and it answers, else in this process. Never rejects. */
@Injectable()
export class RateLimiter implements OnModuleInit, OnModuleDestroy {
  readonly account: Policy;
  readonly address: Policy;
  private readonly logger = new Logger('RateLimiter');
  private readonly memory = new Map<Policy, RateLimiterMemory>();
  private readonly shared = new Map<Policy, RateLimiterRedis>();
  private redis: RedisClientType | null = null;
  private sharedAgainAtMs = 0;
  private toldAway = false;

  constructor(private readonly settings: RateLimitSettings) {
    this.account = { name: 'default', quota: settings.accountPerMinute, windowSeconds: WINDOW_SECONDS };
    this.address = { name: 'auth', quota: settings.addressPerMinute, windowSeconds: WINDOW_SECONDS };
    for (const policy of [this.account, this.address]) this.memory.set(policy, new RateLimiterMemory(optionsOf(policy)));
  }

  /** Does not wait for Redis: until it is there, and whenever it is not, the process counts for itself. */
  async onModuleInit(): Promise<void> {
    const { redisUrl: url } = this.settings;
    if (!url) return;
    const { createClient } = await import('@redis/client');
    const reconnectStrategy = (retries: number): number => Math.min(200 * 2 ** retries, 3000);
    const redis = createClient({ url, disableOfflineQueue: true, socket: { connectTimeout: 500, reconnectStrategy } }) as RedisClientType;
    redis.on('error', (error: Error) => this.tellOnce(error));
    redis.on('ready', () => (this.toldAway = false));
    redis.connect().catch(() => {});
    for (const policy of [this.account, this.address]) {
      const options = { ...optionsOf(policy), storeClient: redis, useRedisPackage: true };
      this.shared.set(policy, new RateLimiterRedis(options));
    }
    this.redis = redis;
  }

  onModuleDestroy(): void {
    this.shared.clear();
    if (this.redis?.isOpen) this.redis.destroy();
  }

  /** Counts one request of `key`; null where the policy is off. */
  async take(policy: Policy, key: string): Promise<Standing | null> {
    if (policy.quota === 0) return null;
    const counted = (await this.takeShared(policy, key)) ?? (await countOf((this.memory.get(policy) as RateLimiterMemory).consume(key)));
    return {
      allowed: counted.consumedPoints <= policy.quota,
      remaining: counted.remainingPoints,
      resetSeconds: Math.max(1, Math.ceil(counted.msBeforeNext / 1000)),
    };
  }

  private async takeShared(policy: Policy, key: string): Promise<RateLimiterRes | null> {
    const shared = this.shared.get(policy);
    if (!shared || !this.redis?.isReady || Date.now() < this.sharedAgainAtMs) return null;
    const counted = await withPatience(countOf(shared.consume(key)), REDIS_PATIENCE_MS).catch(() => null);
    if (!counted) this.sharedAgainAtMs = Date.now() + REDIS_PAUSE_MS;
    return counted;
  }

  /** The client reports every attempt to connect; one line for each outage is enough. */
  private tellOnce(error: Error): void {
    if (this.toldAway) return;
    this.toldAway = true;
    this.logger.warn({ message: 'Redis is away, each instance counts for itself', cause: error.message });
  }
}

const optionsOf = ({ name, quota, windowSeconds }: Policy) => ({
  keyPrefix: `banyan:rate:${name}`,
  points: quota,
  duration: windowSeconds,
});

/** The library rejects with the count itself when the quota is used up. */
const countOf = (counting: Promise<RateLimiterRes>): Promise<RateLimiterRes> =>
  counting.catch((refused: unknown) => {
    if (refused instanceof RateLimiterRes) return refused;
    throw refused;
  });

async function withPatience<Result>(work: Promise<Result>, patienceMs: number): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('too slow')), patienceMs);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
