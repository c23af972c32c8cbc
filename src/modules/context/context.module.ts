import { Module } from '@nestjs/common';
import { ChatModule } from '../chat/chat.module.js';
import { FileModule } from '../file/file.module.js';
import { Contexts } from './contexts.service.js';
import { EarlierPairs } from './earlier-pairs.service.js';

/** What a model is told of the path before a question. */
@Module({
  imports: [ChatModule, FileModule],
  providers: [Contexts, EarlierPairs],
  exports: [Contexts],
})
export class ContextModule {}
