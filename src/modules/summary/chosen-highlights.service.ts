import { Injectable, Logger } from '@nestjs/common';
import { KeyedQueue } from '../../common/keyed-queue.js';
import { Problem } from '../../common/problems.js';
import { Database, type Statement } from '../../database/database.js';
import { LanguageModel, ModelError, type ModelInfo } from '../../llm/language-model.js';
import { requestDeadline } from '../../runtime/deadline.js';
import type { ChatView } from '../chat/chat.view.js';
import { Quotas } from '../usage/quotas.service.js';
import { isStoreAway } from '../../database/store-patience.js';
import { type Highlight, highlightsOf, type Quotable } from './highlights.js';
import { quoteRequest, quotesIn } from './quote-request.js';

/** Highlights, and who chose them. */
export interface HighlightChoice {
  highlights: Highlight[];
  generatedBy: string;
}

const EXTRACTIVE = 'extractive';
const OFFLINE = 'offline';
/** People wait for it. */
const TIMEOUT_MS = 15_000;
const OUTPUT_TOKENS = 1000;

const FIND: Statement = {
  name: 'summary.find_highlights',
  text: `
    SELECT highlights, generated_by AS "generatedBy" FROM summary_highlights WHERE account_id = $1 AND chat_id = $2 AND revision = $3`,
};

/**
 * The first answer for a state stays; one for an older state changes nothing. Nothing is kept of a
 * chat that is gone.
 */
export const KEEP: Statement = {
  name: 'summary.keep_highlights',
  text: `
    INSERT INTO summary_highlights AS h (account_id, chat_id, revision, highlights, generated_by)
    SELECT c.account_id, c.chat_id, $3, $4::jsonb, $5 FROM chats c WHERE c.account_id = $1 AND c.chat_id = $2 AND c.deleted_at IS NULL FOR KEY SHARE
    ON CONFLICT (account_id, chat_id) DO UPDATE
    SET revision = excluded.revision, highlights = excluded.highlights, generated_by = excluded.generated_by
    WHERE h.revision < excluded.revision`,
};

/**
 * Has the chat's model choose quotes, where there is one, and believes it nothing: what is not
 * literally there is left out, and where nothing is left (or the model is away, slow, or not to be
 * paid for) sentences are chosen without it. What was answered for a `revision` stays its answer.
 */
@Injectable()
export class ChosenHighlightsService {
  private readonly logger = new Logger('Summary');
  private readonly choosing = new KeyedQueue();

  constructor(
    private readonly database: Database,
    private readonly model: LanguageModel,
    private readonly quotas: Quotas,
  ) {}

  /** @param texts of the chat at its `revision`, in the order of the path */
  async of(
    accountId: string,
    chat: ChatView,
    texts: readonly Quotable[],
  ): Promise<HighlightChoice> {
    const model = this.modelOf(chat);
    if (!model || texts.length === 0) return extracted(texts);
    const state = [accountId, chat.chat_id, chat.revision];
    // It waits for a model.
    requestDeadline()?.lift();
    // One at a time, so that many who ask at once cost one call.
    return this.choosing.run(`${accountId}:${chat.chat_id}`, () =>
      this.choose(accountId, model, texts, state),
    );
  }

  private async choose(
    accountId: string,
    model: ModelInfo,
    texts: readonly Quotable[],
    state: unknown[],
  ): Promise<HighlightChoice> {
    const [kept] = await this.database.query<HighlightChoice & Record<string, unknown>>(
      FIND,
      state,
    );
    if (kept) return kept;
    const made = (await this.asked(accountId, model, texts)) ?? extracted(texts);
    await this.database.query(KEEP, [...state, JSON.stringify(made.highlights), made.generatedBy]);
    const [first] = await this.database.query<HighlightChoice & Record<string, unknown>>(
      FIND,
      state,
    );
    return first ?? made;
  }

  /**
   * Null where only the offline model is, which chooses nothing, and for a model that is not there.
   */
  private modelOf({ model }: ChatView): ModelInfo | null {
    try {
      const info = this.model.find(model);
      return info.provider === OFFLINE ? null : info;
    } catch {
      return null;
    }
  }

  /** Null when the model gave no quote that can be used. @throws when PostgreSQL is away */
  private async asked(
    accountId: string,
    { id: model }: ModelInfo,
    texts: readonly Quotable[],
  ): Promise<HighlightChoice | null> {
    try {
      await this.quotas.check(accountId);
      const request = {
        model,
        messages: quoteRequest(texts),
        maxOutputTokens: OUTPUT_TOKENS,
        temperature: 0,
      };
      let answer = '';
      for await (const part of this.model.stream(request, AbortSignal.timeout(TIMEOUT_MS))) {
        if (part.type === 'delta') answer += part.text;
        else if (part.type === 'end') await this.quotas.spend(accountId, part.usage);
      }
      const highlights = quotesIn(answer, texts);
      return highlights.length > 0 ? { highlights, generatedBy: model } : null;
    } catch (error) {
      // Not for the model's sake: what is chosen without it would stay.
      if (isStoreAway(error)) throw error;
      if (!isOrdinary(error))
        this.logger.error({
          message: 'highlights failed',
          cause: error instanceof Error ? error.stack : String(error),
        });
      return null;
    }
  }
}

const extracted = (texts: readonly Quotable[]): HighlightChoice => ({
  highlights: highlightsOf(texts),
  generatedBy: EXTRACTIVE,
});

/** A model that cannot answer or takes too long, and an account that has had its share. */
const isOrdinary = (error: unknown): boolean =>
  error instanceof ModelError ||
  error instanceof Problem ||
  (error as Error).name === 'AbortError' ||
  (error as Error).name === 'TimeoutError';
