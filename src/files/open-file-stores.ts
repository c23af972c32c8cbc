import type { Config } from '../config/config.js';
import type { Database } from '../database/database.js';
import { type FileStore, FileStores } from './file-store.js';
import { PostgresFileStore } from './postgres/postgres-file-store.js';

/**
 * The stores that the settings name. New files go to that of `FILE_STORE`; where it says nothing,
 * to GridFS if there is MongoDB, else to PostgreSQL. Mongoose is loaded only where MongoDB is used.
 */
export async function openFileStores(
  database: Database,
  { MONGODB_URI: uri, FILE_STORE: asked }: Pick<Config, 'MONGODB_URI' | 'FILE_STORE'>,
): Promise<FileStores> {
  const postgres = new PostgresFileStore(database);
  if (!uri) return new FileStores(postgres);
  const { GridFsFileStore } = await import('./gridfs/gridfs-file-store.js');
  const both: [FileStore, FileStore] = [postgres, new GridFsFileStore(uri)];
  return new FileStores(asked === 'postgres' ? both[0] : both[1], both);
}
