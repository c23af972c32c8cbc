import { Module } from '@nestjs/common';
import { ChatModule } from '../chat/chat.module.js';
import { AnswerModule } from '../answer/answer.module.js';
import { ChosenHighlightsService } from './chosen-highlights.service.js';
import { SummaryController } from './summary.controller.js';
import { SummaryService } from './summary.service.js';
import { WordCountsService } from './word-counts.service.js';

@Module({
  imports: [ChatModule, AnswerModule],
  controllers: [SummaryController],
  providers: [SummaryService, WordCountsService, ChosenHighlightsService],
})
export class SummaryModule {}
