import { Injectable } from '@nestjs/common';
import { problems } from '../../common/problems.js';
import { wordsOf } from '../../content/body.js';
import type { IdempotentRequest } from '../../database/idempotency.js';
import type { Pair } from '../chat/pair.js';
import { PathService } from '../chat/path.service.js';
import { type Append, saidBeside, type Utterance } from '../message/append.service.js';
import type { ResponsePart } from '../../tree/parts.js';
import type { AnswerSettings } from '../../llm/settings.js';
import type { Answer } from './answer.js';
import { Answers } from './answers.service.js';
import { TakenFiles } from '../file/taken-files.service.js';

/** Which pair is to be said anew, and by whom. */
export interface Revision {
  accountId: string;
  chatId: string;
  responseId: string;
  key: IdempotentRequest | null;
  /** A response that is given; undefined = the model answers, null = none. */
  response?: string | null;
  response_parts?: readonly ResponsePart[] | null;
  /** The model that is asked; that of the chat when absent. */
  model?: string | null;
  /** How the model is asked. */
  settings?: AnswerSettings;
}

/**
 * Edited questions and second answers. They never replace anything: each is the first pair of a
 * sibling branch, which becomes active.
 */
@Injectable()
export class RevisionService {
  constructor(
    private readonly answers: Answers,
    private readonly paths: PathService,
    private readonly files: TakenFiles,
  ) {}

  /**
   * Another question in the place of a pair, or (without one) the same again for another response.
   * @throws chat_not_found, message_not_found, content_unavailable, store_unavailable,
   * too_many_answers, tokens_spent
   */
  async revise(revision: Revision, said?: Utterance): Promise<Answer> {
    const kept = await this.answers.kept(revision.accountId, revision.key);
    if (kept) return kept;
    const { accountId } = revision;
    const append = await this.siblings(
      await this.files.of(accountId, revision),
      [revision.model ?? null],
      said && (await this.files.of(accountId, said)),
    );
    return this.answers.askAnew({ ...append, to: { ...append.to, activate: true } });
  }

  /**
   * Pairs for the place of a pair, one for each model (null: that of the chat). @throws like
   * `revise`
   */
  async siblings(
    { accountId, chatId, responseId, key, ...told }: Revision,
    models: readonly (string | null)[],
    said?: Utterance,
  ): Promise<Append & { to: { chatId: string; behind: string | null } }> {
    const pair = await this.paths.pair(accountId, chatId, responseId);
    const before = await this.paths.page(accountId, chatId, 1, { before: pair.seq });
    const drafts = models.map((model) => ({
      said: said ?? saidIn(pair),
      response: told.response,
      response_parts: told.response_parts,
      model,
      // What is asked again is asked in the same way.
      settings: told.settings ?? (said ? undefined : (wordsOf(pair.body).settings ?? undefined)),
    }));
    return { accountId, drafts, to: { chatId, behind: before.pairs[0]?.responseId ?? null }, key };
  }
}

/** What was asked in a pair. @throws message_redacted */
function saidIn(pair: Pair): Utterance {
  if (pair.status === 'redacted') throw problems.messageRedacted();
  const { question, question_parts, metadata } = wordsOf(pair.body);
  return { question, question_parts, metadata, ...saidBeside(pair) };
}
