import { Global, Module } from '@nestjs/common';
import { Database } from '../database/database.js';
import { FileStores } from './file-store.js';
import { PostgresFileStore } from './postgres/postgres-file-store.js';

/** Where the bytes of files are. Everybody uses `FileStores` without knowing which it is. */
@Global()
@Module({
  providers: [
    {
      provide: FileStores,
      useFactory: (database: Database) => new FileStores(new PostgresFileStore(database)),
      inject: [Database],
    },
  ],
  exports: [FileStores],
})
export class FilesModule {}
