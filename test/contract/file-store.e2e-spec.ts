import { randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { createConnection } from 'mongoose';
import { DataSource } from 'typeorm';
import { dataSourceOptions } from '../../src/data-source.js';
import { Database } from '../../src/database/database.js';
import { migrate } from '../../src/database/migrate.js';
import { parseFilePlace, type S3Address } from '../../src/config/file-places.js';
import { PostgresFileStore } from '../../src/files/postgres/postgres-file-store.js';
import { S3FileStore } from '../../src/files/s3/s3-file-store.js';
import { GridFsFileStore } from '../../src/files/gridfs/gridfs-file-store.js';
import { FilesAwayError } from '../../src/files/file-store.js';
import { Deadline, under } from '../../src/runtime/deadline.js';
import { createDatabase, mongoUriFor } from '../support/app.js';
import { Proxy } from '../support/proxy.js';
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

withMongo('a GridFS that falls silent', () => {
  it.each(['before its connection was made', 'after it was used'])(
    '(%s) is waited for no longer than the request may take',
    async (when) => {
      const uri = new URL(mongoUriFor(`postgres://127.0.0.1/files_silent_${process.pid}`));
      const proxy = await Proxy.to({ host: uri.hostname, port: Number(uri.port) });
      uri.port = String(proxy.port);
      const store = new GridFsFileStore(uri.href);
      const blob = { accountId: randomUUID(), blobId: randomUUID() };
      try {
        if (when.startsWith('after')) expect(await store.sizeOf(blob)).toBeNull();
        proxy.silence();
        // Its own limits are longer, and the error of the driver another one.
        const over = Object.assign(new Deadline(), { endsAtMs: performance.now() });
        await expect(under(over, () => store.sizeOf(blob))).rejects.toThrow(FilesAwayError);
        proxy.mend();
        // What was abandoned in its making is made anew; silent connections are given up by the
        // driver, after seconds.
        if (when.startsWith('before')) expect(await store.sizeOf(blob)).toBeNull();
      } finally {
        await store.close();
        proxy.close();
      }
    },
  );
});

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
