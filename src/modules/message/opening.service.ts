import { Injectable } from '@nestjs/common';
import type { Exchange } from '../../llm/context-window.js';
import type { ChatView } from '../chat/chat.view.js';
import type { AnswerStream } from '../completion/answer-event.js';
import type { AnswerSettings } from '../completion/running-generation.js';
import type { AppendAnswer } from './append.service.js';
import type { NewPair } from './append.sql.js';
import { Asker } from './asker.js';
import { Chains, type Opening } from './chains.js';
import type { Said } from './new-pair.js';
import { type Posted, Postings } from './postings.js';

/** What was said so far in a chat that begins, and the question that a model is to answer. */
export interface Beginning extends Opening {
  earlier: readonly Exchange[];
  said: Said;
  /** The model that is asked; that of the chat when absent. */
  model?: string | null;
  settings?: AnswerSettings;
}

/** Chats that begin with a question to a model: chat, earlier pairs and question are made in one transaction. */
@Injectable()
export class OpeningService {
  constructor(
    private readonly asker: Asker,
    private readonly postings: Postings,
    private readonly chains: Chains,
  ) {}

  /** The last pair at its end. @throws store_unavailable, idempotency_key_reused, too_many_answers, tokens_spent */
  async open(beginning: Beginning): Promise<AppendAnswer> {
    return this.postings.whole(beginning.accountId, await this.begin(beginning), beginning.idempotent);
  }

  /** The same as it happens. @throws like `open` */
  async openStreamed(beginning: Beginning): Promise<AnswerStream> {
    return this.postings.streamed(beginning.accountId, await this.begin(beginning));
  }

  /** A chat with pairs that have their responses, or none. Answers what `answerOf` makes of it. @throws store_unavailable, idempotency_key_reused */
  async openStored(opening: Opening, pairs: readonly Exchange[], answerOf: (chat: ChatView) => string): Promise<string> {
    this.asker.assertRoom();
    const { accountId } = opening;
    const pairsOf = (chatId: string): NewPair[] =>
      pairs.map(({ question, response }) => this.asker.pairOf({ accountId, chatId, said: { question }, response, idempotent: null }));
    const { made, json } = await this.chains.appendToNew(opening, pairsOf, (_made, chat) => answerOf(chat));
    await Promise.all(made?.map((one) => this.postings.proceed(one)) ?? []);
    return json;
  }

  private async begin({ earlier, said, model, settings, ...opening }: Beginning): Promise<Posted> {
    this.asker.assertRoom();
    const { accountId, idempotent } = opening;
    const replay = await this.postings.replay(accountId, idempotent);
    if (replay) return replay;
    return this.asker.appendToNew(opening, (chatId) => {
      const making = { accountId, chatId, idempotent: null };
      const pairs = earlier.map(({ question, response }) => this.asker.pairOf({ ...making, said: { question }, response }));
      return [...pairs, this.asker.pairOf({ ...making, said, response: undefined, model, settings, idempotent })];
    });
  }
}
