import { Module } from '@nestjs/common';
import { UpgradesModule } from '../../common/upgrades.js';
import { AuthModule } from '../auth/auth.module.js';
import { ChatModule } from '../chat/chat.module.js';
import { AnswerModule } from '../answer/answer.module.js';
import { ClientChatModule } from '../client-chat/client-chat.module.js';
import { FileModule } from '../file/file.module.js';
import { MessageModule } from '../message/message.module.js';
import { RedactionModule } from '../redaction/redaction.module.js';
import { BranchCompletions } from './branch-completions.service.js';
import { CompletionsController } from './completions.controller.js';
import { CompletionsService } from './completions.service.js';
import { ConversationItems } from './conversation-items.service.js';
import { NotesOfConversations } from './conversation-notes.service.js';
import { ConversationsController } from './conversations.controller.js';
import { ConversationsService } from './conversations.service.js';
import { DirectAnswers } from './direct-answers.service.js';
import { DirectResponses } from './direct-responses.service.js';
import { HistoryPlaces } from './history-places.service.js';
import { ItemChanges } from './item-changes.service.js';
import { ItemRemoval } from './item-removal.service.js';
import { KeptResponses } from './kept-responses.service.js';
import { ModelsController } from './models.controller.js';
import { PartFiles } from './part-files.service.js';
import { ResponseFrames } from './response-frames.service.js';
import { PathTurns } from './path-turns.service.js';
import { ResponseHelp } from './response-help.service.js';
import { ResponseInputs } from './response-inputs.service.js';
import { ResponseTargets } from './response-targets.service.js';
import { ResponseSockets } from './response-sockets.js';
import { OpenAiFilesController } from './openai-files.controller.js';
import { ResponseReader } from './response.reader.js';
import { ResponsesController } from './responses.controller.js';
import { ResponsesService } from './responses.service.js';
import { SavedTurns } from './saved-turns.service.js';

/**
 * OpenAI's API, for the clients that people already have. Its errors are in OpenAI's envelope: see
 * `common/openai-error.ts`.
 */
@Module({
  imports: [
    ClientChatModule,
    AuthModule,
    UpgradesModule,
    ChatModule,
    AnswerModule,
    MessageModule,
    FileModule,
    RedactionModule,
  ],
  controllers: [
    ModelsController,
    CompletionsController,
    ResponsesController,
    ConversationsController,
    OpenAiFilesController,
  ],
  providers: [
    ...[DirectAnswers, CompletionsService, BranchCompletions],
    ...[ResponseReader, ResponseTargets, HistoryPlaces, ResponseInputs, PartFiles],
    ...[ResponsesService, DirectResponses, KeptResponses, PathTurns, ResponseHelp],
    ...[ConversationsService, NotesOfConversations, ConversationItems],
    ...[ItemChanges, ItemRemoval, SavedTurns],
    ...[ResponseFrames, ResponseSockets],
  ],
})
export class OpenAiModule {}
