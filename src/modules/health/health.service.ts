import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Config } from '../../config/config.js';
import { ContentStore } from '../../content/content-store.js';
import { StoreWrites } from '../../content/store-writes.js';
import type { ReadinessDto, StoresDto, StoreStateDto } from './health.dto.js';
import { RedisHealth } from './redis-health.js';
import { type StoreStatus, StoreWatch } from './store-watch.js';

type Mode = StoreStateDto['mode'];

/** The state of the stores, which are watched all the time. */
@Injectable()
export class HealthService implements OnApplicationBootstrap, OnModuleDestroy {
  private draining = false;
  private readonly postgres: StoreWatch;
  private readonly words: StoreWatch;
  private readonly sessions: StoreWatch;

  constructor(
    private readonly config: Config,
    dataSource: DataSource,
    private readonly content: ContentStore,
    redis: RedisHealth,
    private readonly writes: StoreWrites,
  ) {
    this.postgres = new StoreWatch(() => dataSource.query('SELECT 1'));
    this.words = new StoreWatch(() => content.ping());
    this.sessions = new StoreWatch(() => redis.ping());
  }

  onApplicationBootstrap(): void {
    for (const watch of this.watches) watch.start();
  }

  async onModuleDestroy(): Promise<void> {
    await Promise.all(this.watches.map((watch) => watch.stop()));
  }

  /**
   * From now on `readiness` says `draining`, so that no new requests are sent to a server that is
   * about to stop.
   */
  drain(): void {
    this.draining = true;
  }

  /**
   * Comes within half a second, whatever a store does. Nothing works without PostgreSQL; without
   * the other stores most does.
   */
  async readiness(): Promise<ReadinessDto> {
    const [postgres, content, redis] = await Promise.all(
      this.watches.map((watch) => watch.status()),
    );
    const { embedded, REDIS_URL } = this.config;
    const kind = this.content.name;
    const stores: StoresDto = {
      postgres: { ...this.written('postgres', postgres!), mode: modeOf(embedded.postgres) },
      content: {
        ...this.written('content', content!),
        mode: modeOf(kind === 'mongo' ? embedded.content : embedded.postgres),
        kind,
      },
      redis: { status: redis!, mode: REDIS_URL ? 'external' : 'memory' },
    };
    return { status: this.statusOf(stores), stores };
  }

  private written(
    store: 'postgres' | 'content',
    status: StoreStatus,
  ): Pick<StoreStateDto, 'status' | 'detail'> {
    const refusal = status === 'up' ? this.writes.refusalOf(store) : null;
    return refusal === null ? { status } : { status: 'refusing', detail: refusal };
  }

  private get watches(): StoreWatch[] {
    return [this.postgres, this.words, this.sessions];
  }

  private statusOf({ postgres, content, redis }: StoresDto): ReadinessDto['status'] {
    if (this.draining) return 'draining';
    if (postgres.status === 'down') return 'unavailable';
    return [postgres, content, redis].every(({ status }) => status === 'up') ? 'ready' : 'degraded';
  }
}

const modeOf = (embedded: boolean): Mode => (embedded ? 'embedded' : 'external');
