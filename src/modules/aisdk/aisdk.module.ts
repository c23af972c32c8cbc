import { Module } from '@nestjs/common';
import { ChatModule } from '../chat/chat.module.js';
import { AnswerModule } from '../answer/answer.module.js';
import { FileModule } from '../file/file.module.js';
import { MessageModule } from '../message/message.module.js';
import { AiSdkController } from './aisdk.controller.js';
import { AiSdkService } from './aisdk.service.js';
import { ClientChatsService } from './client-chats.service.js';
import { PairsService } from './pairs.service.js';
import { Regenerations } from './regenerations.service.js';
import { Steps } from './steps.service.js';
import { UiFiles } from './ui-files.service.js';
import { UiPosts } from './ui-posts.service.js';

@Module({
  imports: [ChatModule, AnswerModule, MessageModule, FileModule],
  controllers: [AiSdkController],
  providers: [
    AiSdkService,
    ClientChatsService,
    PairsService,
    Regenerations,
    Steps,
    UiFiles,
    UiPosts,
  ],
})
export class AiSdkModule {}
