import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { bodyOf, sha256Of, wordsOf } from '../../content/body.js';
import { ContentStore } from '../../content/content-store.js';
import { Journal } from '../../content/journal.js';
import { failpoint } from '../../common/failpoint.js';
import { Database } from '../../database/database.js';
import { EventDispatcher } from '../../events/event-dispatcher.js';
import type { AnswerError, MessageStatus, Usage } from '../chat/message.entity.js';
import { type Pair, pairJson, pairWrite } from '../chat/pair.js';
import { type AnswerEnd, endOf } from './answer.js';
import { BRANCHES, CHUNKS_TEXT, END, LOCK_CHAT, SETTLE_KEY, SPEND, storeEnd } from './generations.sql.js';
import { type Question, Questions } from './questions.js';
import { titleOf } from './title.js';

/** Where the provider says no numbers. */
const BYTES_PER_TOKEN = 4;

/** Which answer, and where it goes. */
export interface GenerationRef {
  accountId: string;
  generationId: string;
  rootChatId: string;
  /** The owner of the pair. */
  chatId: string;
  responseId: string;
}

/** How an answer ended. */
export interface Outcome {
  status: Exclude<MessageStatus, 'pending' | 'streaming'>;
  /** Undefined: what the chunks have. Null: nothing. */
  text?: string | null;
  /** The model that answered. */
  model: string | null;
  usage: Usage | null;
  error: AnswerError | null;
}

/** An end that is stored. */
export interface StoredEnd extends AnswerEnd {
  /** The question by whose words the chat has been named now, and the name; null where it had one. */
  named: { title: string; question: string } | null;
}

interface EndedRow {
  scope: string | null;
  key: string | null;
  model: string | null;
}

type End = Pick<Pair, 'status' | 'model' | 'usage' | 'error' | 'body'>;

interface Written {
  version: number;
  round: number;
  sha256: Buffer;
}

interface Stored {
  pair: Pair;
  /** The name that the chat got by this answer. */
  title: string | null;
  sha256: Buffer;
  round: number;
}

/** Ends answers: in one transaction, and each of them once, whoever comes first. */
@Injectable()
export class GenerationEnds {
  private readonly storeEnd: string;

  constructor(
    private readonly database: Database,
    private readonly questions: Questions,
    private readonly journal: Journal,
    private readonly events: EventDispatcher,
    private readonly content: ContentStore,
  ) {
    this.storeEnd = storeEnd(content.table);
  }

  /**
   * Stores the pair as it is at the end, and tells it to everybody.
   * @param ifAbandoned only if its instance is dead
   * @returns null when somebody else ended it, or the pair was purged
   * @throws when a store is away: then nothing happened, and it may be tried again
   */
  async end(ref: GenerationRef, outcome: Outcome, ifAbandoned = false): Promise<StoredEnd | null> {
    const question = await this.questions.find(ref.accountId, ref.responseId);
    if (!question) return null;
    failpoint('generation.before_end');
    const stored = await this.database.transaction((tx) => this.store(tx, ref, question, outcome, ifAbandoned));
    failpoint('generation.after_end');
    if (!stored) return null;
    this.events.changed(ref.accountId, ref.rootChatId);
    const { pair, title, sha256, round } = stored;
    const { accountId, rootChatId } = ref;
    const place = { accountId, rootChatId, forkSeq: question.fork_seq, seq: pair.seq, sha256 };
    const contentState = await this.journal.deliver(pairWrite(pair, place), round);
    return { ...endOf(pairJson(pair), pair.status, contentState), named: title === null ? null : { title, ...wordsOf(pair.body) } };
  }

  private async store(
    tx: EntityManager,
    ref: GenerationRef,
    question: Question,
    outcome: Outcome,
    ifAbandoned: boolean,
  ): Promise<Stored | null> {
    const { accountId, generationId, chatId, responseId } = ref;
    const [chat] = await tx.query<{ name: string | null; is_living_root: boolean }[]>(LOCK_CHAT, [accountId, chatId]);
    const [[ended]] = await tx.query<[EndedRow[]]>(END, [accountId, generationId, ifAbandoned]);
    if (!ended) return null;
    const words = wordsOf(question.body);
    const known = outcome.text === undefined ? await fromChunks(tx, ref, outcome, words.question) : outcome;
    const end = { ...keptBy(known, known.text ?? null, words.response), model: ended.model ?? outcome.model };
    const body = bodyOf({ ...words, response: end.response });
    const wantsTitle = outcome.status === 'complete' && chat?.is_living_root && chat.name === null;
    const title = wantsTitle ? titleOf(words.question) : null;
    const row = await this.write(tx, ref, { ...end, body }, title);
    if (!row) return null;
    const [branches] = await tx.query<{ shown: string[]; total: number }[]>(BRANCHES, [accountId, chatId, question.seq, responseId]);
    const pair = pairOf(question, { ...end, body }, row.version, branches!);
    if (ended.key !== null) await tx.query(SETTLE_KEY, [accountId, ended.scope, ended.key, pairJson(pair)]);
    if (end.usage) await tx.query(SPEND, [accountId, end.usage.input_tokens, end.usage.output_tokens]);
    return { pair, title, sha256: row.sha256, round: row.round };
  }

  private async write(tx: EntityManager, ref: GenerationRef, end: End, title: string | null): Promise<Written | undefined> {
    const sha256 = sha256Of(end.body);
    const [row] = await tx.query<{ version: number; round: number }[]>(this.storeEnd, [
      ...[
        ref.accountId,
        ref.generationId,
        ref.chatId,
        ref.responseId,
        end.status,
        end.body,
        Buffer.byteLength(end.body),
        sha256,
        end.model,
      ],
      ...[end.usage && JSON.stringify(end.usage), end.error && JSON.stringify(end.error)],
      ...[endOf('', end.status).type === 'failed' ? 'message.failed' : 'message.completed', title, new Date()],
    ]);
    return row && { ...row, sha256 };
  }
}

/**
 * What the pair shows at the end. A retry that said nothing takes nothing away: what an earlier answer had been cut short with stays, and so it
 * counts as interrupted, as only such pairs show a part of an answer.
 */
function keptBy(outcome: Outcome, text: string | null, earlier: string | null): Outcome & { response: string | null } {
  if (text || outcome.status === 'complete' || earlier === null) return { ...outcome, response: text || null };
  return { ...outcome, status: outcome.status === 'failed' ? 'interrupted' : outcome.status, response: earlier };
}

/**
 * The outcome of an answer whose end nobody saw: what it had put down, and what that took, as far as it can be told from the question and from
 * what was said. Which context the model was given nobody knows any more.
 */
async function fromChunks(tx: EntityManager, ref: GenerationRef, outcome: Outcome, question: string): Promise<Outcome> {
  const [row] = await tx.query<{ text: string }[]>(CHUNKS_TEXT, [ref.accountId, ref.generationId]);
  const { text } = row!;
  return { ...outcome, text, usage: text ? { input_tokens: tokensOf(question), output_tokens: tokensOf(text) } : null };
}

const tokensOf = (text: string): number => Math.ceil(Buffer.byteLength(text) / BYTES_PER_TOKEN);

const pairOf = (question: Question, end: End, version: number, branches: { shown: string[]; total: number }): Pair => ({
  ...end,
  responseId: question.response_id,
  chatId: question.chat_id,
  seq: question.seq,
  version,
  messageType: question.message_type,
  author: question.author,
  createdAt: question.created_at,
  branches: branches.shown,
  branchesTotal: branches.total,
});
