import { Module } from '@nestjs/common';
import { AnswerModule } from '../answer/answer.module.js';
import { ChatModule } from '../chat/chat.module.js';
import { RedactionController } from './redaction.controller.js';
import { RedactionService } from './redaction.service.js';

/** Words that are erased for good. */
@Module({
  imports: [ChatModule, AnswerModule],
  controllers: [RedactionController],
  providers: [RedactionService],
  exports: [RedactionService],
})
export class RedactionModule {}
