import { Module } from '@nestjs/common';
import { ChatModule } from '../chat/chat.module.js';
import { AnswerPieces } from './answer-pieces.service.js';
import { ContextReader } from './context.reader.js';
import { Contexts } from './contexts.js';
import { Draining } from './draining.service.js';
import { GenerationEnds } from './generation-ends.js';
import { GenerationHub } from './generation-hub.js';
import { GenerationService } from './generation.service.js';
import { Generator } from './generator.service.js';
import { Questions } from './questions.js';
import { Quotas } from './quotas.service.js';
import { StorePatience } from './store-patience.js';
import { Sweeper } from './sweeper.service.js';
import { Titles } from './titles.service.js';
import { UsageController } from './usage.controller.js';
import { UsageService } from './usage.service.js';

/** Answers of models: written as tasks of their own, followed, stopped, and never lost. */
@Module({
  imports: [ChatModule],
  controllers: [UsageController],
  providers: [
    AnswerPieces,
    ContextReader,
    Contexts,
    Draining,
    GenerationEnds,
    GenerationHub,
    GenerationService,
    Generator,
    Questions,
    Quotas,
    StorePatience,
    Sweeper,
    Titles,
    UsageService,
  ],
  exports: [GenerationHub, GenerationService, Generator, Quotas],
})
export class CompletionModule {}
