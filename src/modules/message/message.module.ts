import { Module } from '@nestjs/common';
import { ChatModule } from '../chat/chat.module.js';
import { CompletionModule } from '../completion/completion.module.js';
import { AppendLanes } from './append.lanes.js';
import { AppendService } from './append.service.js';
import { MessagePageService } from './message-page.service.js';
import { MessageVerbsController } from './message-verbs.controller.js';
import { MessageController } from './message.controller.js';
import { MessageService } from './message.service.js';
import { RevisionController } from './revision.controller.js';
import { RevisionService } from './revision.service.js';

@Module({
  imports: [ChatModule, CompletionModule],
  controllers: [MessageVerbsController, MessageController, RevisionController],
  providers: [AppendLanes, AppendService, MessageService, MessagePageService, RevisionService],
  exports: [AppendService, MessageService],
})
export class MessageModule {}
