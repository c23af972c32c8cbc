import { Module } from '@nestjs/common';
import { Files } from './files.service.js';
import { Staging } from './staging.service.js';

/** Files of accounts: bytes that are kept once, and named by the parts of pairs. */
@Module({
  providers: [Files, Staging],
  exports: [Files],
})
export class FileModule {}
