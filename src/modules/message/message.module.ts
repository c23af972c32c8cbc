import { Module } from '@nestjs/common';
import { ChatModule } from '../chat/chat.module.js';
import { CompletionModule } from '../completion/completion.module.js';
import { AnswerController } from './answer.controller.js';
import { AppendLanes } from './append.lanes.js';
import { AppendService } from './append.service.js';
import { Asker } from './asker.js';
import { Chains } from './chains.js';
import { FanOutService } from './fan-out.service.js';
import { MessagePageService } from './message-page.service.js';
import { MessageVerbsController } from './message-verbs.controller.js';
import { MessageController } from './message.controller.js';
import { MessageService } from './message.service.js';
import { OpeningService } from './opening.service.js';
import { Postings } from './postings.js';
import { RetryService } from './retry.service.js';
import { RevisionController } from './revision.controller.js';
import { RevisionService } from './revision.service.js';
import { Turns } from './turns.js';

@Module({
  imports: [ChatModule, CompletionModule],
  controllers: [MessageVerbsController, MessageController, AnswerController, RevisionController],
  providers: [
    ...[AppendLanes, AppendService, Asker, Chains, Postings, Turns],
    ...[MessageService, MessagePageService, RevisionService, RetryService, FanOutService, OpeningService],
  ],
  exports: [AppendService, MessageService, OpeningService, RevisionService, RetryService],
})
export class MessageModule {}
