import { Module } from '@nestjs/common';
import { ChatModule } from '../chat/chat.module.js';
import { SummaryController } from './summary.controller.js';
import { SummaryService } from './summary.service.js';
import { WordCountsService } from './word-counts.service.js';

@Module({ imports: [ChatModule], controllers: [SummaryController], providers: [SummaryService, WordCountsService] })
export class SummaryModule {}
