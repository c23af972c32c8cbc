import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import { Outage } from '../runtime/outage.js';
import type { Redis } from '../runtime/redis.js';
import { ClosesAt } from '../runtime/shutdown.module.js';
import type { Policy, RateStanding } from './rate-limit.js';

/** Given by whoever reads the configuration. 0 is off. */
export abstract class RateLimitSettings {
  accountPerMinute!: number;
  addressPerMinute!: number;
  passwordsPerMinute!: number;
  strangersPerMinute!: number;
  /** Counts for all instances together when it is set. */
  redisUrl?: string | undefined;
}

const WINDOW_SECONDS = 60;

/**
 * Counts requests in fixed windows of a minute: in Redis where there is one and it answers, else in
 * this process. Never rejects.
 */
@Injectable()
export class RateLimiter implements OnModuleInit {
  readonly account: Policy;
  readonly address: Policy;
  readonly password: Policy;
  /** Of requests without a good token, for each address; sign-ins have `address`. */
  readonly stranger: Policy;
  private readonly memory = new Map<Policy, RateLimiterMemory>();
  private readonly shared = new Map<Policy, RateLimiterRedis>();
  private redis: Redis | undefined;

  constructor(private readonly settings: RateLimitSettings) {
    this.account = {
      name: 'default',
      quota: settings.accountPerMinute,
      windowSeconds: WINDOW_SECONDS,
    };
    this.address = {
      name: 'auth',
      quota: settings.addressPerMinute,
      windowSeconds: WINDOW_SECONDS,
    };
    this.password = {
      name: 'password',
      quota: settings.passwordsPerMinute,
      windowSeconds: WINDOW_SECONDS,
    };
    this.stranger = {
      name: 'strangers',
      quota: settings.strangersPerMinute,
      windowSeconds: WINDOW_SECONDS,
    };
    for (const policy of this.policies)
      this.memory.set(policy, new RateLimiterMemory(optionsOf(policy)));
  }

  /**
   * Does not wait for Redis: until it is there, and whenever it is not, the process counts for
   * itself.
   */
  async onModuleInit(): Promise<void> {
    const { redisUrl: url } = this.settings;
    if (!url) return;
    const logger = new Logger('RateLimiter');
    const { Redis } = await import('../runtime/redis.js');
    this.redis = new Redis(
      url,
      new Outage((cause) =>
        logger.warn({ message: 'Redis is away, each instance counts for itself', cause }),
      ),
    );
    for (const policy of this.policies) {
      const options = {
        ...optionsOf(policy),
        storeClient: this.redis.client,
        useRedisPackage: true,
      };
      this.shared.set(policy, new RateLimiterRedis(options));
    }
  }

  @ClosesAt('redis')
  close(): void {
    this.shared.clear();
    this.redis?.close();
  }

  /** Counts one request of `key`; null where the policy is off. */
  async take(policy: Policy, key: string): Promise<RateStanding | null> {
    if (policy.quota === 0) return null;
    const counted =
      (await this.takeShared(policy, key)) ??
      (await countOf((this.memory.get(policy) as RateLimiterMemory).consume(key)));
    return {
      allowed: counted.consumedPoints <= policy.quota,
      remaining: counted.remainingPoints,
      resetSeconds: Math.max(1, Math.ceil(counted.msBeforeNext / 1000)),
    };
  }

  /** Forgets what was counted for `key`. */
  async forget(policy: Policy, key: string): Promise<void> {
    await this.memory.get(policy)!.delete(key);
    const shared = this.shared.get(policy);
    if (shared) await this.redis!.ask(() => shared.delete(key)).catch(() => false);
  }

  private get policies(): readonly Policy[] {
    return [this.account, this.address, this.password, this.stranger];
  }

  private async takeShared(policy: Policy, key: string): Promise<RateLimiterRes | null> {
    const shared = this.shared.get(policy);
    if (!shared) return null;
    return this.redis!.ask(() => countOf(shared.consume(key))).catch(() => null);
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
