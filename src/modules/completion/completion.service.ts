import { Injectable, Logger } from '@nestjs/common';
import { wordsOf } from '../../content/body.js';
import { fitToWindow } from '../../llm/context-window.js';
import { LanguageModel, ModelError, type ModelRequest } from '../../llm/language-model.js';
import { countTokens } from '../../llm/token-counter.js';
import { ChatService } from '../chat/chat.service.js';
import type { AnswerError, MessageStatus, Usage } from '../chat/message.entity.js';
import { SEQ_MAX } from '../chat/path.sql.js';
import { PathService } from '../chat/path.service.js';

/** What the model made of a question, and after which pair it was asked. */
export interface Completion {
  response: string | null;
  status: MessageStatus;
  model: string | null;
  usage: Usage | null;
  error: AnswerError | null;
  /** The last pair of the path that the model saw; null for an empty path. */
  seen: string | null;
}

const PAGE_PAIRS_MAX = 100;

/** Asks the model a question with the path of one branch as its context. */
@Injectable()
export class CompletionService {
  private readonly logger = new Logger(CompletionService.name);

  constructor(
    private readonly model: LanguageModel,
    private readonly chats: ChatService,
    private readonly paths: PathService,
  ) {}

  /**
   * Asks with the pairs of the path before `before` (a `seq`; all of them when it is absent) as context. Never throws for the model's sake:
   * its failure is an answer of its own.
   * @throws chat_not_found, content_unavailable
   */
  async complete(accountId: string, chatId: string, question: string, before: number = SEQ_MAX): Promise<Completion> {
    const chat = await this.chats.get(accountId, chatId);
    const { pairs } = await this.paths.page(accountId, chatId, PAGE_PAIRS_MAX, { before });
    const seen = pairs.at(-1)?.responseId ?? null;
    const earlier = pairs.map(({ body }) => wordsOf(body));
    try {
      const info = this.model.find(chat.model);
      const messages = fitToWindow(chat.system_prompt, earlier, question, info, countTokens);
      return { ...(await this.collect({ model: info.id, messages })), status: 'complete', error: null, seen };
    } catch (error) {
      return { response: null, status: 'failed', model: chat.model, usage: null, error: this.reasonOf(error), seen };
    }
  }

  private async collect(request: ModelRequest): Promise<Pick<Completion, 'response' | 'model' | 'usage'>> {
    let response = '';
    for await (const part of this.model.stream(request, new AbortController().signal)) {
      if (part.type === 'end') return { response, model: part.model, usage: part.usage };
      response += part.text;
    }
    throw new Error('the model ended its stream without an end');
  }

  private reasonOf(error: unknown): AnswerError {
    if (error instanceof ModelError) return { code: error.code, message: error.message };
    this.logger.error({ message: 'model failed', cause: error instanceof Error ? error.stack : String(error) });
    return { code: 'model_failed', message: 'The model could not answer. Try again.' };
  }
}
