import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Config } from '../../config/config.js';
import { ContentStore } from '../../content/content-store.js';
import { StoreWrites } from '../../content/store-writes.js';
import { ClosesAt } from '../../runtime/shutdown.module.js';
import type { ReadinessDto, StoresDto, StoreStateDto } from './health.dto.js';
import { type StoreStatus, StoreWatch } from './store-watch.js';
import { StoresBeside } from './stores-beside.js';

type Mode = StoreStateDto['mode'];

/** The state of the stores, which are watched all the time. */
@Injectable()
export class HealthService implements OnApplicationBootstrap {
  private draining = false;
  private readonly postgres: StoreWatch;
  private readonly words: StoreWatch;

  constructor(
    private readonly config: Config,
    dataSource: DataSource,
    private readonly content: ContentStore,
    private readonly beside: StoresBeside,
    private readonly writes: StoreWrites,
  ) {
    this.postgres = new StoreWatch(() => dataSource.query('SELECT 1'));
    this.words = new StoreWatch(() => content.ping());
  }

  onApplicationBootstrap(): void {
    for (const watch of this.watches) watch.start();
  }

  @ClosesAt('loops')
  async stop(): Promise<void> {
    await Promise.all(this.watches.map((watch) => watch.stop()));
  }

  /**
   * From now on `readiness` says `draining`, so that no new requests are sent to a server that is
   * about to stop.
   */
  @ClosesAt('notice')
  drain(): void {
    this.draining = true;
  }

  /**
   * Comes within half a second, whatever a store does. Nothing works without PostgreSQL; without
   * the other stores most does.
   */
  async readiness(): Promise<ReadinessDto> {
    const [postgres, content, beside] = await Promise.all([
      this.postgres.status(),
      this.words.status(),
      this.beside.states(),
    ]);
    const { embedded } = this.config;
    const kind = this.content.name;
    const stores: StoresDto = {
      postgres: { ...this.written('postgres', postgres), mode: modeOf(embedded.postgres) },
      content: {
        ...this.written('content', content),
        mode: modeOf(kind === 'mongo' ? embedded.content : embedded.postgres),
        kind,
      },
      ...beside,
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
    return [this.postgres, this.words, ...this.beside.watches];
  }

  private statusOf(stores: StoresDto): ReadinessDto['status'] {
    if (this.draining) return 'draining';
    if (stores.postgres.status === 'down') return 'unavailable';
    const states: StoreStateDto[] = Object.values(stores);
    return states.every(({ status }) => status === 'up') ? 'ready' : 'degraded';
  }
}

const modeOf = (embedded: boolean): Mode => (embedded ? 'embedded' : 'external');
