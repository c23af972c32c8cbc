import { Injectable } from '@nestjs/common';
import type { IdempotentRequest } from '../../database/idempotency.js';
import { type Pair, pairJson } from '../chat/pair.js';
import { GenerationHub } from '../completion/generation-hub.js';
import { Quotas } from '../completion/quotas.service.js';
import { type AppendedPair, AppendService, Obstacle } from './append.service.js';
import type { NewPair } from './append.sql.js';
import { newPair, newQuestion, questionAgain, type Said } from './new-pair.js';
import { type Posted, Postings } from './postings.js';

interface Making {
  accountId: string;
  chatId: string;
  said: Said;
  /** Undefined: a model answers. */
  response: string | null | undefined;
  /** The model that is asked for by name; that of the chat when absent. */
  model?: string | null;
  idempotent: IdempotentRequest | null;
}

/** Puts pairs where they belong and has their answers begun, as far as the account may have them. */
@Injectable()
export class Asker {
  constructor(
    private readonly appends: AppendService,
    private readonly postings: Postings,
    private readonly quotas: Quotas,
    private readonly hub: GenerationHub,
  ) {}

  /** @throws store_unavailable */
  assertRoom(): void {
    this.appends.assertRoom();
  }

  /** A pair to be appended: with its response, or as a question to a model. */
  pairOf({ response, model, ...making }: Making): NewPair {
    if (response !== undefined) return newPair({ ...making, response });
    return newQuestion({ ...making, model, instanceId: this.hub.instanceId });
  }

  /** Null when the chat refused it. @throws too_many_answers, tokens_spent */
  async append(pair: NewPair): Promise<Posted | null> {
    const appended = await this.admitted([pair], () => this.appends.append(pair));
    return appended && this.postings.proceed(appended);
  }

  /** Onto a branch of its own, behind the pair's `parent`. @throws like `append`; chat_not_found, message_not_found */
  async appendToFork(pair: NewPair, activate: boolean): Promise<Posted> {
    const made = await this.appendToForks([pair], activate, ([one]) => jsonOf(one!));
    return typeof made === 'string' ? this.postings.again(pair.accountId, made) : made[0]!;
  }

  /** Each onto a branch of its own, all or none. Answers what was answered the first time, where the key was used before. */
  async appendToForks(
    pairs: readonly NewPair[],
    activate: boolean,
    answerOf: (made: readonly AppendedPair[]) => string,
  ): Promise<Posted[] | string> {
    const made = await this.admitted(pairs, () => this.appends.appendToForks(pairs, { activate, answerOf }));
    return typeof made === 'string' ? made : Promise.all(made.map((one) => this.postings.proceed(one)));
  }

  /** Has a pair answered again in its place, by the same model. @returns why not, where it cannot be @throws like `append` */
  async askAgain(accountId: string, pair: Pair, idempotent: IdempotentRequest | null): Promise<Posted | Obstacle['kind']> {
    const question = questionAgain(accountId, pair, { instanceId: this.hub.instanceId, idempotent });
    const done = await this.admitted([question], () => this.appends.restart(question, pair.seq, idempotent));
    if (done instanceof Obstacle) return done.kind;
    return typeof done === 'string' ? this.postings.again(accountId, done) : this.postings.proceed(done);
  }

  private admitted<Result>(pairs: readonly NewPair[], work: () => Promise<Result>): Promise<Result> {
    const [{ accountId, generation }] = pairs as [NewPair];
    return generation ? this.quotas.admit(accountId, pairs.length, work) : work();
  }
}

/** The JSON of a pair that was just appended. */
export const jsonOf = ({ pair, appended }: AppendedPair): string => pairJson({ ...pair, seq: appended.seq });
