import { loadToolConfig } from './config/config.js';
import { dataSourceOptions } from './data-source.js';
import { migrate } from './database/migrate.js';

/**
 * The one-shot migration of a deployment: `node dist/server/migrate.mjs` with DATABASE_URL (or
 * DATABASE_URL_FILE) set.
 */
async function main(): Promise<void> {
  const { DATABASE_URL } = loadToolConfig();
  if (!DATABASE_URL)
    throw new Error(
      'DATABASE_URL must be set: without it the server migrates its own PostgreSQL at every start.',
    );
  const names = await migrate(dataSourceOptions(DATABASE_URL));
  process.stdout.write(
    names.length > 0 ? `migrated: ${names.join(', ')}\n` : 'nothing to migrate\n',
  );
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
