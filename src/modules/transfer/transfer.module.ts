import { Module } from '@nestjs/common';
import { ChatModule } from '../chat/chat.module.js';
import { FileModule } from '../file/file.module.js';
import { ConversationWriter } from './conversation-writer.service.js';
import { ExportController } from './export.controller.js';
import { ExportReader } from './export-reader.service.js';
import { Exports } from './export.service.js';
import { ImportChunks } from './import-chunks.service.js';
import { ImportController } from './import.controller.js';
import { ImportRunner } from './import-runner.service.js';
import { Imports } from './imports.service.js';

/** Conversations in and out: exports of other programs, and our own. */
@Module({
  imports: [ChatModule, FileModule],
  controllers: [ImportController, ExportController],
  providers: [ConversationWriter, ExportReader, Exports, ImportChunks, ImportRunner, Imports],
  exports: [Imports],
})
export class TransferModule {}
