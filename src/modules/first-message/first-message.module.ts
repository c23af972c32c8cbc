import { Module } from '@nestjs/common';
import { ChatModule } from '../chat/chat.module.js';
import { AnswerModule } from '../answer/answer.module.js';
import { MessageModule } from '../message/message.module.js';
import { AccountMessages } from './account-messages.service.js';
import { ChatNumbersService } from './chat-numbers.service.js';
import { FirstMessageController } from './first-message.controller.js';
import { FirstMessageService } from './first-message.service.js';
import { NumberedMessagesService } from './numbered-messages.service.js';

/** A facade over chats and messages, for clients that know chats by a number. */
@Module({
  imports: [ChatModule, MessageModule, AnswerModule],
  controllers: [FirstMessageController],
  providers: [AccountMessages, ChatNumbersService, FirstMessageService, NumberedMessagesService],
})
export class FirstMessageModule {}
