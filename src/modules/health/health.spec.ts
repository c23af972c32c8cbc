import type { DataSource } from 'typeorm';
import { Config } from '../../config/config.js';
import type { ContentStore } from '../../content/content-store.js';
import type { StoreWrites } from '../../content/store-writes.js';
import { HealthService } from './health.service.js';
import type { FileStore, FileStores } from '../../files/file-store.js';
import { RedisHealth } from './redis-health.js';
import { StoresBeside } from './stores-beside.js';
import { stopwatch } from '../../../test/support/machine-clock.js';

const up = async (): Promise<void> => {};
const away = async (): Promise<void> => Promise.reject(new Error('away'));
const silent = (): Promise<void> => new Promise(() => {});

function aHealth({
  postgres = up,
  content = up,
  redis,
  s3,
  refusals = {},
}: {
  postgres?: () => Promise<void>;
  content?: () => Promise<void>;
  redis?: () => Promise<void>;
  s3?: () => Promise<void>;
  refusals?: { postgres?: string; content?: string };
}): HealthService {
  const config = Object.assign(new Config(), redis && { REDIS_URL: 'redis://localhost' });
  const stores = [
    { query: postgres } as unknown as DataSource,
    { name: 'mongo', ping: content } as ContentStore,
  ] as const;
  const writes = {
    refusalOf: (store: 'postgres' | 'content') => refusals[store] ?? null,
  } as StoreWrites;
  return new HealthService(
    config,
    ...stores,
    new StoresBeside(
      redis ? ({ ping: redis, mode: 'external' } as RedisHealth) : new RedisHealth(config),
      { s3: s3 ? ({ ping: s3 } as FileStore) : null } as FileStores,
    ),
    writes,
  );
}

it('is ready when all stores answer, with Redis in memory', async () => {
  expect(await aHealth({}).readiness()).toEqual({
    status: 'ready',
    stores: {
      postgres: { status: 'up', mode: 'external' },
      content: { status: 'up', mode: 'external', kind: 'mongo' },
      redis: { status: 'up', mode: 'memory' },
    },
  });
});

it('is degraded without the store of the words, or Redis', async () => {
  expect((await aHealth({ content: away }).readiness()).status).toBe('degraded');
  expect((await aHealth({ redis: away }).readiness()).status).toBe('degraded');
});

it('tells of S3 where files are there, and is degraded without it', async () => {
  expect((await aHealth({}).readiness()).stores).not.toHaveProperty('files');
  const well = await aHealth({ s3: up }).readiness();
  expect([well.status, well.stores.files]).toEqual(['ready', { status: 'up', mode: 'external' }]);
  expect((await aHealth({ s3: away }).readiness()).status).toBe('degraded');
});

it('S3 is not asked by each question', async () => {
  let asked = 0;
  const health = aHealth({
    s3: async () => {
      asked++;
    },
  });
  for (let n = 0; n < 5; n++) await health.readiness();
  expect(asked).toBe(1);
});

it('(S7g) is degraded while a store answers and takes no writes, and says which and why', async () => {
  const full = 'PostgreSQL takes no writes: its disk is full.';
  const { status, stores } = await aHealth({ refusals: { postgres: full } }).readiness();
  expect([status, stores.postgres, stores.content.status]).toEqual([
    'degraded',
    { status: 'refusing', detail: full, mode: 'external' },
    'up',
  ]);
  expect(
    (await aHealth({ refusals: { content: 'MongoDB takes no writes: Unauthorized.' } }).readiness())
      .stores.content.status,
  ).toBe('refusing');
});

it('is unavailable without PostgreSQL, whatever the others say', async () => {
  expect((await aHealth({ postgres: away, content: away }).readiness()).status).toBe('unavailable');
});

it('(R9) does not wait for a store that says nothing, and answers what is known of it', async () => {
  let isSilent = false;
  const health = aHealth({ content: () => (isSilent ? silent() : up()) });
  expect((await health.readiness()).stores.content.status).toBe('up');
  isSilent = true;
  const [started, ran] = [performance.now(), stopwatch()];
  expect((await health.readiness()).stores.content.status).toBe('up');
  expect(ran()).toBeLessThan(1500); // the store is given up after 2 s
  // The question is still open, and is answered by the end of the patience with the store.
  while ((await health.readiness()).stores.content.status === 'up');
  expect(performance.now() - started).toBeGreaterThan(1900);
});

it('a store that nobody knows anything of yet is down', async () => {
  expect((await aHealth({ content: silent }).readiness()).stores.content.status).toBe('down');
});

it('says that it drains', async () => {
  const health = aHealth({});
  health.drain();
  expect((await health.readiness()).status).toBe('draining');
});

it('many questions at once are one for the database', async () => {
  let asked = 0;
  const health = aHealth({
    postgres: async () => {
      asked++;
    },
  });
  await Promise.all(Array.from({ length: 20 }, () => health.readiness()));
  expect(asked).toBe(1);
});

describe('Redis', () => {
  async function asked(url: string): Promise<void> {
    const health = new RedisHealth(Object.assign(new Config(), { REDIS_URL: url }));
    await health.ping().finally(() => health.close());
  }

  it('that nobody listens for is away', async () => {
    await expect(asked('redis://127.0.0.1:9')).rejects.toThrow();
  });

  const url = process.env['TEST_REDIS_URL'];
  (url ? it : it.skip)('that answers is up', async () => {
    await expect(asked(url!)).resolves.toBeUndefined();
  });
});
