import { Global, Module } from '@nestjs/common';
import { Config } from '../config/config.js';
import { Database } from '../database/database.js';
import { FileStores } from './file-store.js';
import { openFileStores } from './open-file-stores.js';

/** Where the bytes of files are. Everybody uses `FileStores` without knowing which it is. */
@Global()
@Module({
  providers: [{ provide: FileStores, useFactory: openFileStores, inject: [Database, Config] }],
  exports: [FileStores],
})
export class FilesModule {}
