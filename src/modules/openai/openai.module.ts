import { Module } from '@nestjs/common';
import { ChatModule } from '../chat/chat.module.js';
import { AnswerModule } from '../answer/answer.module.js';
import { MessageModule } from '../message/message.module.js';
import { BranchCompletions } from './branch-completions.service.js';
import { CompletionsController } from './completions.controller.js';
import { CompletionsService } from './completions.service.js';
import { ConversationItems } from './conversation-items.service.js';
import { ConversationsController } from './conversations.controller.js';
import { ConversationsService } from './conversations.service.js';
import { DirectAnswers } from './direct-answers.service.js';
import { DirectResponses } from './direct-responses.service.js';
import { KeptResponses } from './kept-responses.service.js';
import { ModelsController } from './models.controller.js';
import { ResponseTargets } from './response-targets.service.js';
import { ResponseReader } from './response.reader.js';
import { ResponsesController } from './responses.controller.js';
import { ResponsesService } from './responses.service.js';

/**
 * OpenAI's API, for the clients that people already have. Its errors are in OpenAI's envelope: see
 * `common/openai-error.ts`.
 */
@Module({
  imports: [ChatModule, AnswerModule, MessageModule],
  controllers: [
    ModelsController,
    CompletionsController,
    ResponsesController,
    ConversationsController,
  ],
  providers: [
    ...[DirectAnswers, CompletionsService, BranchCompletions],
    ...[ResponseReader, ResponseTargets, ResponsesService, DirectResponses, KeptResponses],
    ...[ConversationsService, ConversationItems],
  ],
})
export class OpenAiModule {}
