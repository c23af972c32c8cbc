import { Injectable, Logger } from '@nestjs/common';
import { Config } from '../../config/config.js';
import { StorePatience } from '../../database/store-patience.js';
import { LanguageModel, type ModelRequest, type Usage } from '../../llm/language-model.js';
import { ChatService } from '../chat/chat.service.js';
import type { GenerationRef } from './answer-ends.js';
import { Quotas } from '../usage/quotas.service.js';

const INSTRUCTION =
  'Give this conversation a name of at most six words, in the language of the question. Answer with the name alone.';
const QUESTION_CHARS_MAX = 2000;
const TOKENS_MAX = 40;
const TITLE_CHARS_MAX = 60;
const PATIENCE_MS = 30_000;
/** Some models think aloud, and some do not come to an end with it. */
const THOUGHTS = /<think>[\s\S]*?(<\/think>|$)/g;
const WAITING = { what: 'the name of a chat' };

/**
 * Names of chats by a model, where LLM_TITLE_MODEL names one. Until it has answered, and where it
 * fails, a chat is called by its first words.
 */
@Injectable()
export class Titles {
  private readonly logger = new Logger('Answers');

  constructor(
    private readonly model: LanguageModel,
    private readonly chats: ChatService,
    private readonly quotas: Quotas,
    private readonly patience: StorePatience,
    private readonly config: Config,
  ) {}

  /**
   * Finds a better name than `given`, and never one over a name that a person gave meanwhile. Never
   * throws.
   */
  async improve(
    { accountId, rootChatId }: GenerationRef,
    question: string,
    given: string,
  ): Promise<void> {
    try {
      const name = await this.find(accountId, question);
      if (name)
        await this.patience.during(
          () => this.chats.renameFrom(accountId, rootChatId, given, name),
          WAITING,
        );
    } catch (error) {
      this.logger.debug({
        message: 'a chat keeps its first words as its name',
        chatId: rootChatId,
        cause: (error as Error).message,
      });
    }
  }

  /**
   * What a model calls a conversation that begins with this question; null where none is set for
   * that, or it says nothing. @throws ModelError; tokens_spent, store_unavailable
   */
  async find(accountId: string, question: string): Promise<string | null> {
    const { LLM_TITLE_MODEL: model } = this.config;
    if (!model) return null;
    await this.patience.during(() => this.quotas.check(accountId, 0), WAITING);
    const { text, usage } = await this.ask(model, question);
    if (usage) await this.quotas.spend(accountId, usage);
    const said = text.slice(0, QUESTION_CHARS_MAX).replace(THOUGHTS, '');
    return titleOf(said.replace(/^[\s"'“„«#*]+|[\s"'”“»*.]+$/g, '')) || null;
  }

  private async ask(
    model: string,
    question: string,
  ): Promise<{ text: string; usage: Usage | null }> {
    const request: ModelRequest = {
      model,
      maxOutputTokens: TOKENS_MAX,
      messages: [
        { role: 'system', content: INSTRUCTION },
        { role: 'user', content: [...question].slice(0, QUESTION_CHARS_MAX).join('') },
      ],
    };
    let text = '';
    for await (const part of this.model.stream(request, AbortSignal.timeout(PATIENCE_MS))) {
      if (part.type === 'end') return { text, usage: part.usage };
      if (part.type === 'delta') text += part.text;
    }
    return { text, usage: null };
  }
}

/**
 * A name for a chat out of its first question: its first words, at most 60 characters, cut at the
 * end of a word.
 */
export function titleOf(question: string): string {
  const line = question.replace(/[\s\p{Cc}]+/gu, ' ').trim();
  const chars = [...line];
  if (chars.length <= TITLE_CHARS_MAX) return line;
  const cut = chars.slice(0, TITLE_CHARS_MAX).join('');
  const end = cut.lastIndexOf(' ');
  // A language without spaces, or one long word.
  return `${(end > TITLE_CHARS_MAX / 2 ? cut.slice(0, end) : [...cut].slice(0, -1).join('')).replace(/[\s,;:.–-]+$/u, '')}…`;
}
