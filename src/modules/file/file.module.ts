import { Module } from '@nestjs/common';
import { Downloads } from './downloads.service.js';
import { FileController } from './file.controller.js';
import { Files } from './files.service.js';
import { StagingArea } from './staging.service.js';
import { TakenFiles } from './taken-files.service.js';
import { Uploads } from './uploads.service.js';

/** Files of accounts: bytes that are kept once, and named by the parts of pairs. */
@Module({
  controllers: [FileController],
  providers: [Files, StagingArea, TakenFiles, Uploads, Downloads],
  exports: [Files, TakenFiles, Uploads, Downloads],
})
export class FileModule {}
