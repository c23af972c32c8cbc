import { Injectable } from '@nestjs/common';
import { fitToWindow, roomOf } from '../../llm/context-window.js';
import { LanguageModel, type ModelInfo, type ModelPart, type ModelRequest } from '../../llm/language-model.js';
import { TokenCounter } from '../../llm/token-counter.js';
import { ChatService } from '../chat/chat.service.js';
import { ContextReader } from './context.reader.js';
import type { BegunAnswer } from './running-generation.js';

/** What a model is asked, and who is asked. */
export interface Asking {
  info: ModelInfo;
  request: ModelRequest;
  /** Asks. @throws like `LanguageModel.stream` */
  ask: (signal: AbortSignal) => AsyncIterable<ModelPart>;
}

/** The context of an answer: exactly the pairs before it on the path of its branch, and the chat's system prompt (or what was said in its place). */
@Injectable()
export class Contexts {
  constructor(
    private readonly model: LanguageModel,
    private readonly chats: ChatService,
    private readonly reader: ContextReader,
    private readonly tokens: TokenCounter,
  ) {}

  /** @throws chat_not_found, message_not_found, content_unavailable; ModelError model_unknown, question_too_long; what a database that is away throws */
  async of(answer: BegunAnswer): Promise<Asking> {
    const { accountId, chatId, settings = {} } = answer;
    const chat = await this.chats.get(accountId, chatId);
    const model = answer.model ?? chat.model;
    const info = this.model.find(model);
    const { question, earlier } = await this.reader.read(answer, roomOf(info));
    const { instructions = chat.system_prompt, ...how } = settings;
    const { messages, counted } = await fitToWindow(instructions, earlier, question, info, this.tokens.count);
    void this.reader.remember(accountId, counted);
    const request = { ...how, model, messages };
    return { info, request, ask: (signal) => this.model.stream(request, signal) };
  }
}
