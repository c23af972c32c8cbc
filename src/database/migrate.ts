import { DataSource, type DataSourceOptions } from 'typeorm';

/** Any number, the same in every instance: who holds this advisory lock migrates. */
const LOCK = 8_217_001;

/**
 * Runs the migrations that are missing, each in its own transaction. Several instances may call it
 * at once: one works, the others wait.
 * @returns the names of those that ran. @throws when PostgreSQL cannot be reached or a migration
 * fails.
 */
export async function migrate(options: DataSourceOptions): Promise<string[]> {
  // A connection of its own: a migration may take longer than a request is allowed to.
  const dataSource = await new DataSource({
    ...options,
    extra: { max: 2, connectionTimeoutMillis: 5000 },
  } as DataSourceOptions).initialize();
  const runner = dataSource.createQueryRunner();
  try {
    await runner.query('SELECT pg_advisory_lock($1)', [LOCK]);
    const done = await dataSource.runMigrations({ transaction: 'each' });
    await runner.query('SELECT pg_advisory_unlock($1)', [LOCK]);
    return done.map(({ name }) => name);
  } finally {
    await runner.release();
    await dataSource.destroy();
  }
}
