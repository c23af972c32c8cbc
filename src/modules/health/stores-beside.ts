import { Injectable } from '@nestjs/common';
import { FileStores } from '../../files/file-store.js';
import type { StoresDto } from './health.dto.js';
import { RedisHealth } from './redis-health.js';
import { StoreWatch } from './store-watch.js';

/** How long what S3 said is good: each question costs, and it has no other work. */
const S3_EVERY_MS = 10_000;

/** The stores that most works without. */
@Injectable()
export class StoresBeside {
  readonly watches: readonly StoreWatch[];
  private readonly sessions: StoreWatch;
  /** Null where files are in one of the databases, which are watched already. */
  private readonly files: StoreWatch | null;

  constructor(
    private readonly redis: RedisHealth,
    { s3 }: FileStores,
  ) {
    this.sessions = new StoreWatch(() => redis.ping());
    this.files = s3 && new StoreWatch(() => s3.ping(), S3_EVERY_MS);
    this.watches = this.files ? [this.sessions, this.files] : [this.sessions];
  }

  async states(): Promise<Pick<StoresDto, 'redis' | 'files'>> {
    const [redis, files] = await Promise.all([this.sessions.status(), this.files?.status()]);
    return {
      redis: { status: redis, mode: this.redis.mode },
      ...(files && { files: { status: files, mode: 'external' } }),
    };
  }
}
