import { Module } from '@nestjs/common';
import { CompletionModule } from '../completion/completion.module.js';
import { CompletionsController } from './completions.controller.js';
import { CompletionsService } from './completions.service.js';
import { ModelsController } from './models.controller.js';

/** OpenAI's API, for the clients that people already have. Its errors are in OpenAI's envelope: see `common/openai-error.ts`. */
@Module({ imports: [CompletionModule], controllers: [ModelsController, CompletionsController], providers: [CompletionsService] })
export class OpenAiModule {}
