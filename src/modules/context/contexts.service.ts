import { Injectable } from '@nestjs/common';
import { Config } from '../../config/config.js';
import { fitToWindow, roomOf } from '../../llm/context-window.js';
import { fitFiles } from '../../llm/file-budget.js';
import {
  LanguageModel,
  type ModelInfo,
  type ModelPart,
  type ModelRequest,
} from '../../llm/language-model.js';
import { type AnswerSettings, requestOf } from '../../llm/settings.js';
import { TokenCounter } from '../../llm/token-counter.js';
import type { FilePart } from '../../tree/parts.js';
import { Files } from '../file/files.service.js';
import { EarlierPairs, type PathEnd, sidesOf } from './earlier-pairs.service.js';

/** A question that a model is to answer. */
export interface QuestionToModel extends PathEnd {
  /** The JSON of its words. */
  question: { body: string; author: string | null };
  /** The model that was asked for by name; null for that of the chat. */
  model: string | null;
  settings?: AnswerSettings;
  /** What the chat said at that moment. */
  chat: { model: string | null; systemPrompt: string | null };
}

/** What a model is asked, and who is asked. */
export interface ModelCall {
  info: ModelInfo;
  request: ModelRequest;
  /** Asks. @throws like `LanguageModel.stream` */
  ask: (signal: AbortSignal) => AsyncIterable<ModelPart>;
}

/**
 * The context of an answer: exactly the pairs before it on the path of its branch, and the chat's
 * system prompt (or what was said in its place).
 */
@Injectable()
export class Contexts {
  constructor(
    private readonly model: LanguageModel,
    private readonly tokens: TokenCounter,
    private readonly pairs: EarlierPairs,
    private readonly files: Files,
    private readonly config: Config,
  ) {}

  /**
   * @throws message_not_found, content_unavailable; ModelError model_unknown, question_too_long,
   * files_too_large; what a database that is away throws
   */
  async of(answer: QuestionToModel): Promise<ModelCall> {
    const { accountId, chat, settings = {} } = answer;
    const model = answer.model ?? chat.model;
    const info = this.model.find(model);
    const { earlier, isCut } = await this.pairs.before(answer, roomOf(info));
    const { instructions: systemPrompt = chat.systemPrompt, truncation } = settings;
    // What an earlier try was cut short with is no answer.
    const question = {
      ...{ ...sidesOf(answer.question.body), author: answer.question.author },
      ...{ response: null, response_parts: null },
    };
    const mayCut = truncation !== 'disabled';
    const { messages, counted } = await fitToWindow(
      { systemPrompt, earlier, question, isCut, mayCut },
      info,
      this.tokens.count,
    );
    void this.pairs.remember(accountId, counted);
    const request = {
      ...{ ...requestOf(settings), model },
      messages: fitFiles(messages, mayCut, this.config.LLM_FILES_BYTES_MAX),
      readFile: (file: FilePart) => this.files.readForModel(accountId, file),
    };
    return { info, request, ask: (signal) => this.model.stream(request, signal) };
  }
}
