import { Module } from '@nestjs/common';
import { ChatModule } from '../chat/chat.module.js';
import { ContextModule } from '../context/context.module.js';
import { FileModule } from '../file/file.module.js';
import { MessageModule } from '../message/message.module.js';
import { UsageModule } from '../usage/usage.module.js';
import { AnswerController } from './answer.controller.js';
import { AnswerPieces } from './answer-pieces.service.js';
import { AnswerReader } from './answer-reader.js';
import { Answers } from './answers.service.js';
import { AnswerDrain } from './draining.service.js';
import { FanOutService } from './fan-out.service.js';
import { AnswerEnds } from './answer-ends.js';
import { AnswerHub } from './answer-hub.js';
import { AnswerWriter } from './answer-writer.js';
import { LoneAnswers } from '../completion/lone-answers.service.js';
import { PairCompletion } from '../completion/pair-completion.service.js';
import { PostController, PostVerbsController } from './post.controller.js';
import { PostService } from './post.service.js';
import { RetryService } from './retry.service.js';
import { RevisionService } from './revision.service.js';
import { Sweeper } from './sweeper.service.js';
import { Titles } from './titles.service.js';
import { Turns } from './turns.js';

/** Answers of models: written as tasks of their own, followed, stopped, and never lost. */
@Module({
  imports: [ChatModule, ContextModule, FileModule, MessageModule, UsageModule],
  controllers: [PostVerbsController, PostController, AnswerController],
  providers: [
    ...[
      Answers,
      AnswerReader,
      AnswerPieces,
      PostService,
      LoneAnswers,
      PairCompletion,
      RetryService,
      RevisionService,
      FanOutService,
      Turns,
    ],
    ...[AnswerHub, AnswerWriter, AnswerEnds, Titles, Sweeper, AnswerDrain],
  ],
  exports: [
    ...[Answers, UsageModule, PostService, PairCompletion],
    ...[RetryService, RevisionService, Titles],
  ],
})
export class AnswerModule {}
