import { Module } from '@nestjs/common';
import { AnswerModule } from '../answer/answer.module.js';
import { ChatModule } from '../chat/chat.module.js';
import { ClientChatModule } from '../client-chat/client-chat.module.js';
import { Again } from './again.service.js';
import { AguiController } from './agui.controller.js';
import { AguiRuns } from './agui-runs.service.js';
import { AguiService } from './agui.service.js';
import { AguiThreads } from './agui-threads.service.js';

@Module({
  imports: [ChatModule, AnswerModule, ClientChatModule],
  controllers: [AguiController],
  providers: [Again, AguiRuns, AguiService, AguiThreads],
})
export class AguiModule {}
