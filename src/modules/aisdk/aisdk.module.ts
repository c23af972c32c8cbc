import { Module } from '@nestjs/common';
import { ChatModule } from '../chat/chat.module.js';
import { AnswerModule } from '../answer/answer.module.js';
import { MessageModule } from '../message/message.module.js';
import { AiSdkController } from './aisdk.controller.js';
import { AiSdkService } from './aisdk.service.js';
import { ClientChatsService } from './client-chats.service.js';
import { PairsService } from './pairs.service.js';
import { Regenerations } from './regenerations.service.js';

@Module({
  imports: [ChatModule, AnswerModule, MessageModule],
  controllers: [AiSdkController],
  providers: [AiSdkService, ClientChatsService, PairsService, Regenerations],
})
export class AiSdkModule {}
