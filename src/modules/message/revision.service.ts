import { Injectable } from '@nestjs/common';
import { wordsOf } from '../../content/body.js';
import type { IdempotentRequest } from '../../database/idempotency.js';
import type { Pair } from '../chat/pair.js';
import { PathService } from '../chat/path.service.js';
import type { AnswerStream } from '../completion/answer-event.js';
import { type AppendAnswer } from './append.service.js';
import type { NewPair } from './append.sql.js';
import { Asker } from './asker.js';
import type { Said } from './new-pair.js';
import { type Posted, Postings } from './postings.js';

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
    private readonly asker: Asker,
    private readonly paths: PathService,
    private readonly postings: Postings,
  ) {}

  /** Another question in the place of a pair, or (without one) the same again for another response; at its end. @throws like `begin` */
  async revise(revision: Revision, said?: Said): Promise<AppendAnswer> {
    return this.postings.whole(revision.accountId, await this.begin(revision, said), revision.idempotent);
  }

  /** The same as it happens. @throws like `begin` */
  async reviseStreamed(revision: Revision, said?: Said): Promise<AnswerStream> {
    return this.postings.streamed(revision.accountId, await this.begin(revision, said));
  }

  /** @throws chat_not_found, message_not_found, content_unavailable, store_unavailable, too_many_answers, tokens_spent */
  async begin(revision: Revision, said?: Said): Promise<Posted> {
    this.asker.assertRoom();
    const replay = await this.postings.replay(revision.accountId, revision.idempotent);
    if (replay) return replay;
    const [sibling] = await this.siblings(revision, [null], said);
    return this.asker.appendToFork(sibling!, true);
  }

  /** Pairs for the place of a pair, one for each model (null: that of the chat). @throws like `begin` */
  async siblings(
    { accountId, chatId, responseId, response, idempotent }: Revision,
    models: readonly (string | null)[],
    said?: Said,
  ): Promise<NewPair[]> {
    const pair = await this.paths.pair(accountId, chatId, responseId);
    const before = await this.paths.page(accountId, chatId, 1, { before: pair.seq });
    const parent = before.pairs[0]?.responseId ?? null;
    const making = { accountId, chatId, said: said ?? saidIn(pair), response, idempotent };
    return models.map((model) => ({ ...this.asker.pairOf({ ...making, model }), parent }));
  }
}

/** What was asked in a pair. */
function saidIn({ body, messageType, author }: Pair): Said {
  const { question, metadata } = wordsOf(body);
  return { question, metadata, message_type: messageType, author };
}
