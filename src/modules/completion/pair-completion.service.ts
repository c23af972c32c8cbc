import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { bodyOf, sha256Of, wordsOf } from '../../content/body.js';
import { ContentStore } from '../../content/content-store.js';
import { type ContentState, Journal } from '../../content/journal.js';
import type { IdempotentRequest, WriteResult } from '../../database/idempotency.js';
import { tellChanged } from '../../events/changes.js';
import { callIdsOf, sideOf } from '../../tree/parts.js';
import {
  BRANCHES,
  IS_INHERITED,
  LOCK_PLACE,
  type PlaceState,
  storeEnd,
} from '../answer/answer.sql.js';
import { ChatService } from '../chat/chat.service.js';
import { type Pair, pairJson, pairWrite } from '../chat/pair.js';
import { PathService } from '../chat/path.service.js';
import { TreeChanges } from '../chat/tree-changes.service.js';
import type { ResponsePart } from '../../tree/parts.js';
import { holdFiles } from '../file/file-references.js';

/** A pair as it is written, and what its store has to be told. */
interface CompletedPair {
  pair: Pair;
  rootChatId: string;
  forkSeq: number;
  sha256: Buffer;
  round: number;
}

/** A pair with how far its words came; null where it was told before, to its key. */
export interface RewrittenPair extends Pair {
  contentState: ContentState | null;
}

/** What a pair says from now on, and whether it has to be the last one of its chat. */
interface RewrittenWords {
  body: string;
  isLast: boolean;
}

/** Thrown to take back what a transaction did: the pair is not open any more. */
class NotOpen extends Error {}

/**
 * Answers that are brought to questions which nobody has answered: the last pair of a branch, where
 * it has no response and nobody inherited it. It gets a further version in both stores.
 */
@Injectable()
export class PairCompletion {
  private readonly write: string;

  constructor(
    private readonly chats: ChatService,
    private readonly paths: PathService,
    private readonly trees: TreeChanges,
    private readonly journal: Journal,
    content: ContentStore,
  ) {
    this.write = storeEnd(content.table);
  }

  /**
   * The pair with its answer; null where the branch has no pair that waits for one.
   * @param told which pair that must be, and the model that gave the answer, where that is said
   * @throws chat_not_found, content_unavailable, store_unavailable
   */
  async complete(
    accountId: string,
    chatId: string,
    response: readonly ResponsePart[],
    key: IdempotentRequest | null,
    { parent, model }: { parent?: string | null; model?: string | null } = {},
  ): Promise<RewrittenPair | null> {
    const open = await this.openPair(accountId, chatId);
    if (!open || (parent !== undefined && parent !== open.responseId)) return null;
    const words = wordsOf(open.body);
    const { text, parts } = sideOf(response);
    const body = bodyOf({ ...words, response: text, response_parts: parts });
    const answered = { ...open, model: model ?? open.model };
    return this.rewrite(accountId, answered, { body, isLast: true }, key);
  }

  /**
   * A pair with other words, as a further version; null where it has changed, its chat is being
   * answered, somebody inherited it (R3), or another one follows that must not.
   * @throws like `complete`
   */
  async rewrite(
    accountId: string,
    open: Pair,
    words: RewrittenWords,
    key: IdempotentRequest | null,
  ): Promise<RewrittenPair | null> {
    const { chatId } = open;
    const outcome = await this.trees
      .make(accountId, chatId, key, (tx) => this.store(tx, accountId, open, words))
      .catch((error: unknown) => {
        if (error instanceof NotOpen) return null;
        throw error;
      });
    if (!outcome) return null;
    const { made } = outcome;
    if (!made) return { ...(await this.again(accountId, outcome.json)), contentState: null };
    const { pair, round, ...place } = made;
    const write = pairWrite(pair, { accountId, seq: pair.seq, ...place });
    return { ...pair, contentState: await this.journal.deliver(write, round) };
  }

  private async again(accountId: string, json: string): Promise<Pair> {
    const { chat_id: chatId, response_id: responseId } = JSON.parse(json) as {
      chat_id: string;
      response_id: string;
    };
    return this.paths.pair(accountId, chatId, responseId);
  }

  /** The last pair of a branch, if it is its own and has no response. */
  private async openPair(accountId: string, chatId: string): Promise<Pair | null> {
    const { pairs } = await this.paths.page(accountId, chatId, 1);
    const [last] = pairs;
    return last?.chatId === chatId && isOpen(last) ? last : null;
  }

  private async store(
    tx: EntityManager,
    accountId: string,
    open: Pair,
    { body, isLast }: RewrittenWords,
  ): Promise<WriteResult<CompletedPair>> {
    const { chatId, responseId, seq, version } = open;
    const [place] = await tx.query<PlaceState[]>(LOCK_PLACE, [accountId, chatId, seq]);
    const [state] = await tx.query<State[]>(STATE, [accountId, chatId, seq]);
    const [found] = await tx.query<{ is_inherited: boolean }[]>(IS_INHERITED, [
      ...[accountId, chatId, seq],
    ]);
    const isSame = state?.version === version && !(isLast && state.is_followed);
    if (!place || place.is_busy || found!.is_inherited || !isSame) throw new NotOpen();
    const sha256 = sha256Of(body);
    const now = new Date();
    const values = [
      ...[accountId, null, chatId, responseId, 'complete', body, Buffer.byteLength(body), sha256],
      ...[open.model, null, null, 'message.completed', null, now, null, null],
      callIdsOf(wordsOf(body).response_parts),
    ];
    const [row] = await tx.query<{ version: number; round: number }[]>(this.write, values);
    const { question_parts, response_parts } = wordsOf(body);
    await holdFiles(tx, accountId, responseId, question_parts, response_parts);
    const [branches] = await tx.query<{ shown: string[]; total: number }[]>(BRANCHES, [
      ...[accountId, chatId, seq, responseId],
    ]);
    const { shown, total } = branches!;
    const pair = {
      ...open,
      ...{ status: 'complete' as const, error: null, body, version: row!.version },
      ...{ branches: shown, branchesTotal: total },
    };
    tellChanged(tx, accountId, place.root_chat_id);
    const made = { pair, rootChatId: place.root_chat_id, forkSeq: place.fork_seq, sha256 };
    return { made: { ...made, round: row!.round }, answer: pairJson(pair) };
  }
}

interface State {
  version: number;
  is_followed: boolean;
}

/** The pair at `seq` $3 of a chat that is locked. */
const STATE = `
  SELECT m.version, c.last_seq > m.seq AS is_followed
  FROM messages m JOIN chats c ON c.account_id = m.account_id AND c.chat_id = m.chat_id
  WHERE m.account_id = $1 AND m.chat_id = $2 AND m.seq = $3`;

function isOpen({ status, body }: Pair): boolean {
  const { response, response_parts: parts } = wordsOf(body);
  return status !== 'streaming' && response === null && !parts;
}
