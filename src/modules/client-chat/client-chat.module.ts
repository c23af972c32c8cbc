import { Module } from '@nestjs/common';
import { AnswerModule } from '../answer/answer.module.js';
import { ChatModule } from '../chat/chat.module.js';
import { FileModule } from '../file/file.module.js';
import { ClientChatsService } from './client-chats.service.js';
import { ClientFiles } from './client-files.service.js';
import { ClientPlaces } from './client-places.service.js';
import { ClientPosts } from './client-posts.service.js';

/** Chats as the protocols of pages know them: threads of messages, named by the client. */
@Module({
  imports: [ChatModule, AnswerModule, FileModule],
  providers: [ClientChatsService, ClientFiles, ClientPlaces, ClientPosts],
  exports: [ClientChatsService, ClientFiles, ClientPlaces, ClientPosts],
})
export class ClientChatModule {}
