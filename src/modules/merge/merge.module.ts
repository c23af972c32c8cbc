import { Module } from '@nestjs/common';
import { AnswerModule } from '../answer/answer.module.js';
import { ChatModule } from '../chat/chat.module.js';
import { MessageModule } from '../message/message.module.js';
import { MergeController } from './merge.controller.js';
import { MergeService } from './merge.service.js';
import { MergeSources } from './merge-sources.js';
import { BranchSummary } from './summary-of-branch.js';

/** What a side branch found, brought back. */
@Module({
  imports: [ChatModule, MessageModule, AnswerModule],
  controllers: [MergeController],
  providers: [MergeService, MergeSources, BranchSummary],
  exports: [MergeService],
})
export class MergeModule {}
