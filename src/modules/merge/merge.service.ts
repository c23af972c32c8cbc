import { Injectable } from '@nestjs/common';
import { invalidField, problems } from '../../common/problems.js';
import { Idempotency, type IdempotentRequest } from '../../database/idempotency.js';
import { isUniqueViolation } from '../../runtime/pg-errors.js';
import { pairsJson } from '../chat/pair.js';
import { AppendService } from '../message/append.service.js';
import type { MergeDto } from './merge.dto.js';
import { MergeSources, type Sources } from './merge-sources.js';
import { type MergedRow, NOTE } from './merge.sql.js';
import { copyOf, type MergedDraft, summaryOf } from './merged-drafts.js';
import { BranchSummary } from './summary-of-branch.js';

/** How often a merge may be overtaken by other posts. */
const ATTEMPTS_MAX = 20;

/** What is asked, and by whom. */
export interface MergeRequest {
  accountId: string;
  chatId: string;
  key: IdempotentRequest | null;
  body: MergeDto;
}

/**
 * Brings what was found on a branch back to another one: as pairs at its end. Nothing is rewritten,
 * and the same is brought once.
 */
@Injectable()
export class MergeService {
  constructor(
    private readonly sources: MergeSources,
    private readonly summaries: BranchSummary,
    private readonly appends: AppendService,
    private readonly idempotency: Idempotency,
  ) {}

  /**
   * The JSON of a `MergedDto`: the pairs that came of it, now or before.
   * @throws like `MergeSources.find` and `BranchSummary.of`; store_unavailable
   */
  async merge(asked: MergeRequest): Promise<string> {
    const { accountId, chatId, key, body } = asked;
    if (body.mode === 'pairs' && body.text != null)
      throw invalidField('text', 'is for the mode summary: pairs are brought as they are');
    const kept = key && (await this.idempotency.find(accountId, key));
    if (kept) return kept;
    const found = await this.sources.find(accountId, chatId, body);
    const before = await this.sources.broughtBefore(accountId, found, body);
    const left = leftOf(found, before, body);
    if (left.length === 0) return this.again(asked, before);
    try {
      const merging = await this.mergingOf(accountId, { ...found, pairs: left }, body);
      return await this.append(asked, found, merging);
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
      // Somebody merged the same a moment before.
      return this.again(asked, await this.sources.broughtBefore(accountId, found, body));
    }
  }

  private async mergingOf(
    accountId: string,
    found: Sources,
    { mode, text }: MergeDto,
  ): Promise<MergedDraft[]> {
    if (mode === 'pairs') return found.pairs.map((pair) => copyOf(found, pair));
    const { into, pairs } = found;
    return [summaryOf(found, text ?? (await this.summaries.of(accountId, into.model, pairs)))];
  }

  /** What was brought, and that it was, in one transaction. */
  private async append(
    { accountId, chatId, key, body }: MergeRequest,
    { into }: Sources,
    merging: readonly MergedDraft[],
  ): Promise<string> {
    const sources = merging.map((one) => `{${one.sources.join(',')}}`);
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
      const outcome = await this.appends.commit({
        ...{ accountId, drafts: merging.map(({ draft }) => draft), to: { chatId }, key },
        answerOf: async (tx, entries) => {
          const ids = entries.map(({ pair }) => pair.responseId);
          const place = [accountId, into.root_chat_id, chatId];
          const values = [...place, ids, body.mode, sources, !body.text];
          const noted = await tx.query<unknown[]>(NOTE, values);
          if (noted.length < ids.length) throw problems.nothingToMerge();
          return answerOf(chatId, `[${entries.map(({ json }) => json).join(',')}]`);
        },
      });
      if (outcome) return outcome.json;
      await this.sources.assertFree(accountId, chatId);
    }
    throw problems.storeUnavailable({
      detail: 'The chat changes faster than this merge can follow.',
      headers: { 'retry-after': '1' },
    });
  }

  /** Pairs that were brought before, as they are now. */
  private async again(
    { accountId, chatId }: MergeRequest,
    rows: readonly MergedRow[],
  ): Promise<string> {
    return answerOf(chatId, pairsJson(await this.sources.read(accountId, chatId, rows)));
  }
}

const answerOf = (chatId: string, pairs: string): string =>
  `{"chat_id":"${chatId}","qa_pairs":${pairs}}`;

/** What is not on this path yet: single pairs, or the whole of a summary. */
function leftOf(
  { pairs }: Sources,
  before: readonly MergedRow[],
  { mode }: MergeDto,
): Sources['pairs'] {
  if (mode === 'summary') return before.length > 0 ? [] : pairs;
  const brought = new Set(before.flatMap(({ sources }) => sources));
  return pairs.filter(({ responseId }) => !brought.has(responseId));
}
