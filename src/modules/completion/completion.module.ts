import { Module } from '@nestjs/common';
import { ChatModule } from '../chat/chat.module.js';
import { MessageModule } from '../message/message.module.js';
import { AnswerController } from './answer.controller.js';
import { AnswerPieces } from './answer-pieces.service.js';
import { AnswerReader } from './answer-reader.js';
import { Answers } from './answers.service.js';
import { ContextReader } from './context.reader.js';
import { Contexts } from './contexts.js';
import { Draining } from './draining.service.js';
import { FanOutService } from './fan-out.service.js';
import { GenerationEnds } from './generation-ends.js';
import { GenerationHub } from './generation-hub.js';
import { Generator } from './generator.service.js';
import { PostController } from './post.controller.js';
import { PostService } from './post.service.js';
import { PostVerbsController } from './post-verbs.controller.js';
import { Questions } from './questions.js';
import { Quotas } from './quotas.service.js';
import { RetryService } from './retry.service.js';
import { RevisionService } from './revision.service.js';
import { StorePatience } from './store-patience.js';
import { Sweeper } from './sweeper.service.js';
import { Titles } from './titles.service.js';
import { Turns } from './turns.js';
import { UsageController } from './usage.controller.js';
import { UsageService } from './usage.service.js';

/** Answers of models: written as tasks of their own, followed, stopped, and never lost. */
@Module({
  imports: [ChatModule, MessageModule],
  controllers: [PostVerbsController, PostController, AnswerController, UsageController],
  providers: [
    ...[Answers, AnswerReader, AnswerPieces, PostService, RetryService, RevisionService, FanOutService, Turns],
    ...[GenerationHub, Generator, GenerationEnds, ContextReader, Contexts, Questions, Titles],
    ...[Quotas, StorePatience, Sweeper, Draining, UsageService],
  ],
  exports: [Answers, PostService, Quotas, RevisionService],
})
export class CompletionModule {}
