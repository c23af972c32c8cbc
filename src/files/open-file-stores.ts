import type { Config } from '../config/config.js';
import type { FilePlace } from '../config/file-places.js';
import type { Database } from '../database/database.js';
import { type FileStore, FileStores } from './file-store.js';
import { PostgresFileStore } from './postgres/postgres-file-store.js';

type Settings = Pick<
  Config,
  | 'MONGODB_URI'
  | 'FILE_STORE'
  | 'FILE_STORE_BEFORE'
  | 'FILE_BYTES_MAX'
  | 'S3_ACCESS_KEY_ID'
  | 'S3_SECRET_ACCESS_KEY'
>;

/**
 * The stores that the settings name. New files go to that of `FILE_STORE`; where it says nothing,
 * to GridFS if there is MongoDB, else to PostgreSQL.
 */
export async function openFileStores(database: Database, settings: Settings): Promise<FileStores> {
  const { MONGODB_URI: uri, FILE_STORE: now, FILE_STORE_BEFORE: before } = settings;
  const stores: FileStore[] = [new PostgresFileStore(database)];
  if (uri) stores.push(await gridFs(uri));
  for (const place of [before, now])
    if (place?.store === 's3') stores.push(await s3(place, settings));
  const asked = now?.store ?? (uri ? 'gridfs' : 'postgres');
  return new FileStores(stores.find(({ name }) => name === asked) ?? stores[0]!, stores);
}

/** Mongoose is loaded only where MongoDB is used. */
async function gridFs(uri: string): Promise<FileStore> {
  const { GridFsFileStore } = await import('./gridfs/gridfs-file-store.js');
  return new GridFsFileStore(uri);
}

/** Amazon's client takes a quarter of a second and 23 MiB: where there is no S3, nobody pays. */
async function s3(
  address: Extract<FilePlace, { store: 's3' }>,
  { S3_ACCESS_KEY_ID: id, S3_SECRET_ACCESS_KEY: secret, FILE_BYTES_MAX }: Settings,
): Promise<FileStore> {
  const { S3FileStore } = await import('./s3/s3-file-store.js');
  const keys = id && secret ? { accessKeyId: id, secretAccessKey: secret } : null;
  return new S3FileStore(address, keys, FILE_BYTES_MAX);
}
