import { Module } from '@nestjs/common';
import { ChatModule } from '../chat/chat.module.js';
import { AppendLanes } from './append.lanes.js';
import { AppendService } from './append.service.js';
import { MessagePageService } from './message-page.service.js';
import { Places } from './places.service.js';
import { MessageController } from './message.controller.js';

/** Pairs of a path: read, and appended. */
@Module({
  imports: [ChatModule],
  controllers: [MessageController],
  providers: [AppendLanes, AppendService, MessagePageService, Places],
  exports: [AppendService, MessagePageService],
})
export class MessageModule {}
