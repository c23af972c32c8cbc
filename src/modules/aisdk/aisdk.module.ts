import { Module } from '@nestjs/common';
import { ChatModule } from '../chat/chat.module.js';
import { CompletionModule } from '../completion/completion.module.js';
import { MessageModule } from '../message/message.module.js';
import { AiSdkController } from './aisdk.controller.js';
import { AiSdkService } from './aisdk.service.js';
import { ClientChatsService } from './client-chats.service.js';
import { PairsService } from './pairs.service.js';

@Module({
  imports: [ChatModule, CompletionModule, MessageModule],
  controllers: [AiSdkController],
  providers: [AiSdkService, ClientChatsService, PairsService],
})
export class AiSdkModule {}
