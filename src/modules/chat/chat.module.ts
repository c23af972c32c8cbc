import { Module } from '@nestjs/common';
import { ChatVerbsController } from './chat-verbs.controller.js';
import { ChatController } from './chat.controller.js';
import { ChatReader } from './chat.reader.js';
import { ChatService } from './chat.service.js';
import { ForkService } from './fork.service.js';
import { PathService } from './path.service.js';
import { RemovalService } from './removal.service.js';

@Module({
  controllers: [ChatVerbsController, ChatController],
  providers: [ChatService, ChatReader, PathService, ForkService, RemovalService],
  exports: [ChatService, PathService, ForkService],
})
export class ChatModule {}
