import { Injectable } from '@nestjs/common';
import { wordsOf } from '../../content/body.js';
import { Idempotency, type IdempotentRequest } from '../../database/idempotency.js';
import type { Pair } from '../chat/pair.js';
import { PathService } from '../chat/path.service.js';
import { type Completion, CompletionService } from '../completion/completion.service.js';
import { type AppendAnswer, AppendService } from './append.service.js';
import { newPair, type Said } from './new-pair.js';

/** Which pair is to be said anew, and by whom. */
export interface Revision {
  accountId: string;
  chatId: string;
  responseId: string;
  idempotent: IdempotentRequest | null;
  /** A response that is given; undefined = the model answers, null = none. */
  response?: string | null;
}

/** Edited questions and second answers. They never replace anything: each is the first pair of a sibling branch, which becomes active. */
@Injectable()
export class RevisionService {
  constructor(
    private readonly appends: AppendService,
    private readonly paths: PathService,
    private readonly completions: CompletionService,
    private readonly idempotency: Idempotency,
  ) {}

  /** Another question in the place of a pair. @throws chat_not_found, message_not_found, store_unavailable */
  edit(revision: Revision, said: Said): Promise<AppendAnswer> {
    return this.revise(revision, () => said);
  }

  /** The question of a pair again, for another response. @throws like `edit` */
  regenerate(revision: Revision): Promise<AppendAnswer> {
    return this.revise(revision, (pair) => {
      const { question, metadata } = wordsOf(pair.body);
      return { question, metadata, message_type: pair.messageType, author: pair.author };
    });
  }

  private async revise(revision: Revision, saidOf: (pair: Pair) => Said): Promise<AppendAnswer> {
    this.appends.assertRoom();
    const { accountId, chatId, responseId, idempotent } = revision;
    const replay = idempotent && (await this.idempotency.find(accountId, idempotent));
    if (replay) return { json: replay, contentState: null };
    const pair = await this.paths.pair(accountId, chatId, responseId);
    const said = saidOf(pair);
    const before = await this.paths.page(accountId, chatId, 1, { before: pair.seq });
    const completion = await this.respond(revision, said, pair.seq);
    const sibling = newPair({ accountId, chatId, said, completion, idempotent });
    return this.appends.appendToFork({ ...sibling, parent: before.pairs[0]?.responseId ?? null }, true);
  }

  private async respond({ accountId, chatId, response }: Revision, { question }: Said, seq: number): Promise<Partial<Completion>> {
    return response === undefined ? this.completions.complete(accountId, chatId, question, seq) : { response };
  }
}
