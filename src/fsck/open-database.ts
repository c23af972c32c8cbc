import { DataSource, type DataSourceOptions } from 'typeorm';
import type { Config } from '../config/config.js';
import { dataSourceOptions } from '../data-source.js';
import { type EmbeddedStores, findEmbedded } from './embedded.js';

/** The PostgreSQL of a server, for a program beside it. */
export interface OpenDatabase {
  dataSource: DataSource;
  /** Where the stores of the server are. */
  found: EmbeddedStores;
  close(): Promise<void>;
}

/** A window of a table is read within this, however large it is; nothing is locked meanwhile. */
const STATEMENT_TIMEOUT_MS = 60_000;

const optionsOf = (url: string, program: string): DataSourceOptions =>
  ({
    ...dataSourceOptions(url),
    poolSize: 5,
    extra: {
      connectionTimeoutMillis: 5000,
      statement_timeout: STATEMENT_TIMEOUT_MS,
      lock_timeout: 5000,
      application_name: program,
    },
  }) as DataSourceOptions;

/**
 * Connects to what the settings name, or to what is kept in DATA_DIR: it is started for as long as
 * no server runs.
 * @throws Error in plain words when it is away, or its schema is of another version
 */
export async function openDatabase(config: Config, program: string): Promise<OpenDatabase> {
  const found = config.DATABASE_URL
    ? {
        config: { ...config, DATABASE_URL: config.DATABASE_URL },
        serverRuns: true,
        stop: async () => {},
      }
    : await findEmbedded(config);
  const dataSource = new DataSource(optionsOf(found.config.DATABASE_URL, program));
  const close = async (): Promise<void> => {
    if (dataSource.isInitialized) await dataSource.destroy();
    await found.stop();
  };
  try {
    await dataSource.initialize().catch(saidPlainly);
    if (await dataSource.showMigrations())
      throw new Error(
        'The tables are of an older version. Start the server once; it migrates them.',
      );
    return { dataSource, found, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** A host of several addresses is refused by each of them, in an error without words. */
function saidPlainly(error: Error & { code?: string }): never {
  const cause = error.message || error.code || error.name;
  throw new Error(`PostgreSQL cannot be reached: ${cause}`, { cause: error });
}
