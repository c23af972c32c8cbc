// Holds the entities to the migrations: migrates an empty database and asks TypeORM what it would
// still change. Exits 1 when it would.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildIfStale } from './build-if-stale.mjs';

await buildIfStale();
const { DataSource } = await import('typeorm');
const { startEmbeddedPostgres } = await import('../dist/src/database/embedded-postgres.js');
const { dataSourceOptions } = await import('../dist/src/data-source.js');
const { migrate } = await import('../dist/src/database/migrate.js');

const dir = await mkdtemp(join(tmpdir(), 'banyan-migrations-'));
const { url, stop } = await startEmbeddedPostgres({ dataDir: dir, settings: { fsync: 'off' } });
try {
  const ran = await migrate(dataSourceOptions(url));
  const dataSource = await new DataSource(dataSourceOptions(url)).initialize();
  const { upQueries } = await dataSource.driver.createSchemaBuilder().log();
  for (const { query } of upQueries) console.error(`differs: ${query}`);
  for (let undone = 0; undone < ran.length; undone++)
    await dataSource.undoLastMigration({ transaction: 'each' });
  const left = await dataSource.query(
    `SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'migrations'`,
  );
  for (const { tablename } of left) console.error(`left behind by down: ${tablename}`);
  await dataSource.destroy();
  process.exitCode = upQueries.length + left.length > 0 ? 1 : 0;
  if (process.exitCode === 0)
    console.log(`${ran.length} migrations and the entities agree, up and down`);
} finally {
  await stop();
  await rm(dir, { recursive: true, force: true });
}
