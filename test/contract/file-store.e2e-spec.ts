import { describe } from '@jest/globals';
import { createConnection } from 'mongoose';
import { DataSource } from 'typeorm';
import { dataSourceOptions } from '../../src/data-source.js';
import { Database } from '../../src/database/database.js';
import { migrate } from '../../src/database/migrate.js';
import { parseFilePlace, type S3Address } from '../../src/config/file-places.js';
import { PostgresFileStore } from '../../src/files/postgres/postgres-file-store.js';
import { S3FileStore } from '../../src/files/s3/s3-file-store.js';
import { GridFsFileStore } from '../../src/files/gridfs/gridfs-file-store.js';
import { createDatabase, mongoUriFor } from '../support/app.js';
import { startS3 } from '../support/s3-server.js';
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

async function gridFsStore(): Promise<FileStoreUnderTest> {
  const uri = mongoUriFor(`postgres://127.0.0.1/files_contract_${process.pid}`);
  const store = new GridFsFileStore(uri);
  return {
    store,
    close: async () => {
      const raw = await createConnection(uri).asPromise();
      await raw.dropDatabase();
      await raw.close();
      await store.close();
    },
  };
}

describe('files in PostgreSQL', () => fileStoreContract(postgresStore));

// the run says at its end that MongoDB was left out
const withMongo = process.env.TEST_MONGODB_URI ? describe : describe.skip;
withMongo('files in GridFS', () => fileStoreContract(gridFsStore));

async function s3Store(): Promise<FileStoreUnderTest> {
  const server = await startS3();
  const place = parseFilePlace(server.address);
  const store = new S3FileStore(place as S3Address, server.keys, 1024 * 1024 * 1024);
  return {
    store,
    close: async () => {
      await store.close();
      await server.stop();
    },
  };
}

describe('files in a store that speaks S3', () => fileStoreContract(s3Store));
