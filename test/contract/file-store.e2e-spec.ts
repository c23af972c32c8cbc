import { describe } from '@jest/globals';
import { DataSource } from 'typeorm';
import { dataSourceOptions } from '../../src/data-source.js';
import { Database } from '../../src/database/database.js';
import { migrate } from '../../src/database/migrate.js';
import { PostgresFileStore } from '../../src/files/postgres/postgres-file-store.js';
import { createDatabase } from '../support/app.js';
import { fileStoreContract, type FileStoreUnderTest } from './file-store.contract.js';

async function postgresStore(): Promise<FileStoreUnderTest> {
  const options = dataSourceOptions(await createDatabase());
  await migrate(options);
  const dataSource = await new DataSource(options).initialize();
  return {
    store: new PostgresFileStore(new Database(dataSource)),
    close: () => dataSource.destroy(),
  };
}

describe('files in PostgreSQL', () => fileStoreContract(postgresStore));
