import { Injectable } from '@nestjs/common';
import { wordsOf } from '../../content/body.js';
import { type Exchange, fitToWindow } from '../../llm/context-window.js';
import { LanguageModel, type ModelInfo, type ModelRequest } from '../../llm/language-model.js';
import { countTokens } from '../../llm/token-counter.js';
import { ChatService } from '../chat/chat.service.js';
import { PathService } from '../chat/path.service.js';
import type { AcceptedAnswer } from './running-generation.js';

const PAGE_PAIRS = 100;
/** No text has fewer tokens than this share of its bytes: nobody has to read further back for a window. */
const BYTES_PER_TOKEN_MAX = 16;

/** What a model is asked, and who is asked. */
export interface Asking {
  info: ModelInfo;
  request: ModelRequest;
}

/** The context of an answer: exactly the pairs before it on the path of its branch, and the chat's system prompt (or what was said in its place). */
@Injectable()
export class Contexts {
  constructor(
    private readonly model: LanguageModel,
    private readonly chats: ChatService,
    private readonly paths: PathService,
  ) {}

  /** @throws chat_not_found, content_unavailable; ModelError model_unknown, question_too_long */
  async of({ accountId, chatId, seq, model, settings = {} }: AcceptedAnswer): Promise<Asking> {
    const chat = await this.chats.get(accountId, chatId);
    const info = this.model.find(model ?? chat.model);
    const { pairs } = await this.paths.page(accountId, chatId, 1, { before: seq + 1 });
    const { question } = wordsOf(pairs[0]!.body);
    const earlier = await this.earlier(accountId, chatId, seq, info.contextTokens * BYTES_PER_TOKEN_MAX);
    const { instructions = chat.system_prompt, ...how } = settings;
    const messages = fitToWindow(instructions, earlier, question, info, countTokens);
    return { info, request: { ...how, model: model ?? chat.model, messages } };
  }

  /** The pairs before `seq`, oldest first; not more of them than make `bytesMax`. */
  private async earlier(accountId: string, chatId: string, seq: number, bytesMax: number): Promise<Exchange[]> {
    const exchanges: Exchange[] = [];
    let bytes = 0;
    for (let before = seq; before > 1 && bytes < bytesMax; before -= PAGE_PAIRS) {
      const { pairs } = await this.paths.page(accountId, chatId, PAGE_PAIRS, { before });
      exchanges.unshift(...pairs.map(({ body }) => wordsOf(body)));
      bytes += pairs.reduce((sum, { body }) => sum + Buffer.byteLength(body), 0);
    }
    return exchanges;
  }
}
