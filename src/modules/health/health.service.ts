import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Config } from '../../config/config.js';
import { ContentStore } from '../../content/content-store.js';
import type { ReadinessDto, StoresDto, StoreStateDto } from './health.dto.js';
import { RedisHealth } from './redis-health.js';

/** A store that answers later than this counts as away. */
const PING_TIMEOUT_MS = 2000;

type Mode = StoreStateDto['mode'];

/** The state of the stores, asked anew for each call; calls at the same time share one question. */
@Injectable()
export class HealthService {
  private draining = false;
  private asking: Promise<StoresDto> | null = null;

  constructor(
    private readonly config: Config,
    private readonly dataSource: DataSource,
    private readonly content: ContentStore,
    private readonly redis: RedisHealth,
  ) {}

  /** From now on `readiness` says `draining`, so that no new requests are sent to a server that is about to stop. */
  drain(): void {
    this.draining = true;
  }

  /** Takes two seconds at most. Nothing works without PostgreSQL; without the other stores most does. */
  async readiness(): Promise<ReadinessDto> {
    const stores = await (this.asking ??= this.askAll().finally(() => (this.asking = null)));
    return { status: this.statusOf(stores), stores };
  }

  private statusOf({ postgres, content, redis }: StoresDto): ReadinessDto['status'] {
    if (this.draining) return 'draining';
    if (postgres.status === 'down') return 'unavailable';
    return content.status === 'up' && redis.status === 'up' ? 'ready' : 'degraded';
  }

  private async askAll(): Promise<StoresDto> {
    const { embedded, REDIS_URL } = this.config;
    const kind = this.content.name;
    const [postgres, content, redis] = await Promise.all([
      ask(modeOf(embedded.postgres), () => this.dataSource.query('SELECT 1')),
      ask(modeOf(kind === 'mongo' ? embedded.content : embedded.postgres), () => this.content.ping()),
      ask(REDIS_URL ? 'external' : 'memory', () => this.redis.ping()),
    ]);
    return { postgres, content: { ...content, kind }, redis };
  }
}

const modeOf = (embedded: boolean): Mode => (embedded ? 'embedded' : 'external');

async function ask(mode: Mode, ping: () => Promise<unknown>): Promise<StoreStateDto> {
  const abort = new AbortController();
  const late = sleep(PING_TIMEOUT_MS, 'down' as const, { signal: abort.signal }).catch(() => 'down' as const);
  const answer = ping().then(
    () => 'up' as const,
    () => 'down' as const,
  );
  const status = await Promise.race([answer, late]);
  abort.abort();
  return { status, mode };
}
