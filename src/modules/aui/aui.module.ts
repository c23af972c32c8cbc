import { Module } from '@nestjs/common';
import { AnswerModule } from '../answer/answer.module.js';
import { ChatModule } from '../chat/chat.module.js';
import { ClientChatModule } from '../client-chat/client-chat.module.js';
import { RedactionModule } from '../redaction/redaction.module.js';
import { AuiController } from './aui.controller.js';
import { AuiMessages } from './aui-messages.service.js';
import { AuiThreads } from './aui-threads.service.js';
import { AuiTree } from './aui-tree.service.js';

@Module({
  imports: [ChatModule, AnswerModule, ClientChatModule, RedactionModule],
  controllers: [AuiController],
  providers: [AuiMessages, AuiThreads, AuiTree],
})
export class AuiModule {}
