import { Injectable } from '@nestjs/common';
import { wordsOf } from '../../content/body.js';
import { fitToWindow, roomOf } from '../../llm/context-window.js';
import { LanguageModel, type ModelInfo, type ModelPart, type ModelRequest } from '../../llm/language-model.js';
import { TokenCounter } from '../../llm/token-counter.js';
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
    private readonly reader: ContextReader,
    private readonly tokens: TokenCounter,
  ) {}

  /** @throws message_not_found, content_unavailable; ModelError model_unknown, question_too_long; what a database that is away throws */
  async of(answer: BegunAnswer): Promise<Asking> {
    const { accountId, chat, settings = {} } = answer;
    const model = answer.model ?? chat.model;
    const info = this.model.find(model);
    const earlier = answer.seq === 1 ? [] : await this.reader.before(answer, roomOf(info));
    const { question } = wordsOf(answer.question.body);
    const { instructions = chat.systemPrompt, ...how } = settings;
    const { messages, counted } = await fitToWindow(instructions, earlier, question, info, this.tokens.count);
    void this.reader.remember(accountId, counted);
    const request = { ...how, model, messages };
    return { info, request, ask: (signal) => this.model.stream(request, signal) };
  }
}
