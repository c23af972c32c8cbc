import { Module } from '@nestjs/common';
import { ChatVerbsController } from './chat-verbs.controller.js';
import { ChatController } from './chat.controller.js';
import { ChatReader } from './chat.reader.js';
import { ChatService } from './chat.service.js';
import { ForkService } from './fork.service.js';
import { PathService } from './path.service.js';
import { RemovalService } from './removal.service.js';
import { RootsService } from './roots.service.js';
import { TreeChanges } from './tree-changes.service.js';

@Module({
  controllers: [ChatVerbsController, ChatController],
  providers: [
    ChatService,
    ChatReader,
    PathService,
    ForkService,
    RemovalService,
    RootsService,
    TreeChanges,
  ],
  exports: [ChatService, PathService, ForkService, RemovalService, RootsService, TreeChanges],
})
export class ChatModule {}
