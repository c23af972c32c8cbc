import { Injectable } from '@nestjs/common';
import { Idempotency, type IdempotentRequest, type Outcome } from '../../database/idempotency.js';
import { pairJson } from '../chat/pair.js';
import type { QaPairDto } from '../chat/pair.dto.js';
import { type Append, AppendService, type Entry, isAsked } from '../message/append.service.js';
import type { NewAnswer } from '../message/append.sql.js';
import { Answer, type AnswerRef, endOf } from './answer.js';
import { AnswerReader } from './answer-reader.js';
import { AnswerWriter } from './answer-writer.js';
import type { RewrittenPair } from '../completion/pair-completion.service.js';
import { Quotas } from '../usage/quotas.service.js';

/** Has pairs appended and their answers begun, and finds the answers that are there. */
@Injectable()
export class Answers {
  constructor(
    private readonly appends: AppendService,
    private readonly idempotency: Idempotency,
    private readonly quotas: Quotas,
    private readonly writer: AnswerWriter,
    private readonly reader: AnswerReader,
  ) {}

  /** The process that writes what begins here. */
  get writerId(): string {
    return this.writer.id;
  }

  /**
   * Appends pairs; the answer to the last of them, or that of the key. Null when the chat refused:
   * see `AppendService.commit`.
   * @throws like it; too_many_answers, tokens_spent
   */
  async ask(append: Append): Promise<Answer | null> {
    const outcome = await this.askAll(append);
    return outcome && this.lastOf(append, outcome);
  }

  /** The same where the chat cannot refuse: on a new branch, or in a new chat. */
  async askAnew(append: Append): Promise<Answer> {
    return (await this.ask(append))!;
  }

  /** Appends pairs; the answers to all of them. @throws like `ask` */
  async askAll(append: Append): Promise<Outcome<Answer[]> | null> {
    const asked = append.drafts.filter(isAsked).length;
    // A key that was used before is no further answer, whatever the account may have.
    const kept =
      asked > 0 && append.key && (await this.idempotency.find(append.accountId, append.key));
    if (kept) return { json: kept, made: null };
    return await this.begin(append.accountId, asked, () =>
      this.appends.commit({ ...append, writerId: this.writer.id }),
    );
  }

  /**
   * Begins the answers to questions that `work` commits, `count` of them, as far as the account may
   * have them.
   * @throws store_unavailable, too_many_answers, tokens_spent
   */
  async begin(
    accountId: string,
    count: number,
    work: () => Promise<Outcome<Entry[]> | null>,
  ): Promise<Outcome<Answer[]> | null> {
    this.appends.assertRoom();
    const outcome = count > 0 ? await this.quotas.admit(accountId, count, work) : await work();
    return (
      outcome && {
        json: outcome.json,
        made: outcome.made && outcome.made.map((entry) => this.of(entry)),
      }
    );
  }

  /** The last of the answers that have begun, else what the key had. */
  lastOf(
    { accountId, key }: Pick<Append, 'accountId' | 'key'>,
    { made, json }: Outcome<Answer[]>,
  ): Answer | Promise<Answer> {
    return made ? made.at(-1)! : this.again(accountId, json, key);
  }

  /** Pairs that were stored in one step, as one answer: that of their key. */
  async together(accountId: string, { json, made }: Outcome<Answer[]>): Promise<Answer> {
    const ends = await Promise.all((made ?? []).map((answer) => answer.whole()));
    const states = ends.map(({ contentState }) => contentState);
    const state = states.every((one) => one === 'stored') ? 'stored' : 'journaled';
    const of = { chatId: '', responseId: '' };
    return this.stored(accountId, of, endOf(json, 'complete', made && state));
  }

  /**
   * What a key had before; null when it was never used. An answer that is still being written is
   * gone on with.
   */
  async kept(accountId: string, key: IdempotentRequest | null): Promise<Answer | null> {
    const json = key && (await this.idempotency.find(accountId, key));
    return json ? this.again(accountId, json, key) : null;
  }

  /**
   * The answer to a pair whose JSON was told before; with the key that it was told to, what that
   * has at the end.
   */
  async again(accountId: string, json: string, key: IdempotentRequest | null): Promise<Answer> {
    // Of several pairs together, which all were there at once, none of this is said.
    const { status = 'complete', ...ids } = JSON.parse(json) as Partial<QaPairDto>;
    const { chat_id: chatId = '', response_id: responseId = '' } = ids;
    if (status === 'streaming') return this.find(accountId, chatId, responseId, key);
    return this.stored(accountId, { chatId, responseId }, endOf(json, status));
  }

  /**
   * The answer to a pair of a path; of a finished one nothing but the end is told.
   * @param key to which it was told before @throws chat_not_found, message_not_found,
   * content_unavailable
   */
  async find(
    accountId: string,
    chatId: string,
    responseId: string,
    key: IdempotentRequest | null = null,
  ): Promise<Answer> {
    const { pair, row } = await this.reader.find(accountId, chatId, responseId);
    const running = row && { rootChatId: row.root_chat_id, generationId: row.generation_id };
    const end = row ? null : endOf(pairJson(pair), pair.status);
    const place = row || key ? 'unknown' : null;
    const kept = key ? () => this.idempotency.find(accountId, key) : undefined;
    return new Answer({ accountId, chatId, responseId, running }, this.reader, {
      end,
      place,
      kept,
    });
  }

  /** The answer to a question that waited for it, which a client brought. */
  brought(accountId: string, pair: RewrittenPair): Answer {
    return this.stored(accountId, pair, endOf(pairJson(pair), pair.status, pair.contentState));
  }

  /** Ends the answer that is being written to a question, if any. @throws store_unavailable */
  halt(accountId: string, responseId: string): Promise<void> {
    return this.reader.halt(accountId, responseId);
  }

  /** The newest answer that is being written in a conversation; null when there is none. */
  async runningInTree(accountId: string, rootChatId: string): Promise<Answer | null> {
    const row = await this.reader.runningInTree(accountId, rootChatId);
    return row && this.find(accountId, row.chat_id, row.response_id);
  }

  /**
   * Goes on with a pair that was just committed: a model begins to answer it, or it is an answer
   * that came at once.
   */
  private of(entry: Entry): Answer {
    const { pair, json, contentState } = entry;
    if (!pair.generation)
      return this.stored(pair.accountId, pair, endOf(json, pair.status, contentState));
    return this.begun(entry, pair.generation);
  }

  private begun(entry: Entry, { generationId, model, settings }: NewAnswer): Answer {
    const { pair, row } = entry;
    const { accountId, chatId, responseId } = pair;
    const {
      root_chat_id: rootChatId,
      fork_seq: forkSeq,
      seq,
      parent_response_id: parentResponseId,
    } = row;
    const chat = { model: row.chat_model, systemPrompt: row.system_prompt };
    this.writer.start({
      accountId,
      generationId,
      rootChatId,
      chatId,
      responseId,
      seq,
      question: pair,
      forkSeq,
      model,
      settings,
      chat,
    });
    const place = { responseId, chatId, rootChatId, seq, parentResponseId, model: pair.model };
    const ref = { accountId, chatId, responseId, running: { rootChatId, generationId } };
    return new Answer(ref, this.reader, { end: null, place, entry });
  }

  private stored(
    accountId: string,
    { chatId, responseId }: Pick<AnswerRef, 'chatId' | 'responseId'>,
    end: ReturnType<typeof endOf>,
  ): Answer {
    return new Answer({ accountId, chatId, responseId, running: null }, this.reader, {
      end,
      place: 'unknown',
    });
  }
}
