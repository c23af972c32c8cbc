import { Module } from '@nestjs/common';
import { AnswerModule } from '../answer/answer.module.js';
import { ChatModule } from '../chat/chat.module.js';
import { ClientChatModule } from '../client-chat/client-chat.module.js';
import { AiSdkController } from './aisdk.controller.js';
import { AiSdkService } from './aisdk.service.js';
import { PairsService } from './pairs.service.js';
import { Regenerations } from './regenerations.service.js';
import { Steps } from './steps.service.js';
import { UiPosts } from './ui-posts.service.js';

@Module({
  imports: [ChatModule, AnswerModule, ClientChatModule],
  controllers: [AiSdkController],
  providers: [AiSdkService, PairsService, Regenerations, Steps, UiPosts],
})
export class AiSdkModule {}
