import { Module } from '@nestjs/common';
import { ChatModule } from '../chat/chat.module.js';
import { CompletionService } from './completion.service.js';

@Module({ imports: [ChatModule], providers: [CompletionService], exports: [CompletionService] })
export class CompletionModule {}
