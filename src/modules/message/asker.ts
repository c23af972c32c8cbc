import { Injectable } from '@nestjs/common';
import type { IdempotentRequest, Outcome } from '../../database/idempotency.js';
import { type Pair, pairJsonAt } from '../chat/pair.js';
import { GenerationHub } from '../completion/generation-hub.js';
import { Quotas } from '../completion/quotas.service.js';
import type { AnswerSettings } from '../completion/running-generation.js';
import { type AppendedPair, AppendService, Obstacle } from './append.service.js';
import type { NewPair } from './append.sql.js';
import { type Chain, Chains, type Opening } from './chains.js';
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
  settings?: AnswerSettings;
  place?: Pick<NewPair, 'parent' | 'mustBeActive'>;
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
    private readonly chains: Chains,
  ) {}

  /** @throws store_unavailable */
  assertRoom(): void {
    this.appends.assertRoom();
  }

  /** A pair to be appended: with its response, or as a question to a model. */
  pairOf({ response, model, settings, ...making }: Making): NewPair {
    if (response !== undefined) return newPair({ ...making, response });
    return newQuestion({ ...making, model, settings, instanceId: this.hub.instanceId });
  }

  /** Null when the chat refused it. @throws too_many_answers, tokens_spent */
  async append(pair: NewPair): Promise<Posted | null> {
    const appended = await this.admitted([pair], () => this.appends.append(pair));
    return appended && this.postings.proceed(appended);
  }

  /** Several, one behind the other, in one step. Null when the chat refused them. @throws like `append` */
  async appendChain(pairs: Chain): Promise<Posted | null> {
    const made = await this.admitted(pairs, () => this.chains.append(pairs, lastJson));
    return made === null ? null : this.lastOf(pairs, made);
  }

  /** Several onto a branch of their own, behind `parent`. @throws like `append`; chat_not_found, message_not_found */
  async appendChainToFork(pairs: Chain, parent: string | null): Promise<Posted> {
    return this.lastOf(pairs, await this.admitted(pairs, () => this.chains.appendToFork(pairs, parent, lastJson)));
  }

  /** Several into a chat that is made with them. @throws like `append` */
  async appendToNew(opening: Opening, pairsOf: (chatId: string) => Chain): Promise<Posted> {
    const work = () => this.chains.appendToNew(opening, pairsOf, lastJson);
    // Whose chat it is going to be is asked, not which.
    const pairs = pairsOf('');
    return this.lastOf(pairs, await this.admitted(pairs, work));
  }

  private async lastOf([first]: Chain, { made, json }: Outcome<AppendedPair[]>): Promise<Posted> {
    if (!made) return this.postings.again(first!.accountId, json);
    const posted = await Promise.all(made.map((one) => this.postings.proceed(one)));
    return posted.at(-1)!;
  }

  /** Onto a branch of its own, behind the pair's `parent`. @throws like `append`; chat_not_found, message_not_found */
  async appendToFork(pair: NewPair, activate: boolean): Promise<Posted> {
    const { made, json } = await this.appendToForks([pair], activate, lastJson);
    return made ? made[0]! : this.postings.again(pair.accountId, json);
  }

  /** Each onto a branch of its own, all or none. */
  async appendToForks(
    pairs: readonly NewPair[],
    activate: boolean,
    answerOf: (made: readonly AppendedPair[]) => string,
  ): Promise<Outcome<Posted[]>> {
    const { made, json } = await this.admitted(pairs, () => this.appends.appendToForks(pairs, { activate, answerOf }));
    return { json, made: made && (await Promise.all(made.map((one) => this.postings.proceed(one)))) };
  }

  /** Has a pair answered again in its place, by the same model. @returns why not, where it cannot be @throws like `append` */
  async askAgain(accountId: string, pair: Pair, idempotent: IdempotentRequest | null): Promise<Posted | Obstacle['kind']> {
    const question = questionAgain(accountId, pair, { instanceId: this.hub.instanceId, idempotent });
    const done = await this.admitted([question], () => this.appends.restart(question, pair.seq, idempotent));
    if (done instanceof Obstacle) return done.kind;
    return done.made ? this.postings.proceed(done.made) : this.postings.again(accountId, done.json);
  }

  private admitted<Result>(pairs: readonly NewPair[], work: () => Promise<Result>): Promise<Result> {
    const [{ accountId }] = pairs as [NewPair];
    const answers = pairs.filter(({ generation }) => generation !== null).length;
    return answers > 0 ? this.quotas.admit(accountId, answers, work) : work();
  }
}

const lastJson = (made: readonly AppendedPair[]): string => jsonOf(made.at(-1)!);

/** The JSON of a pair that was just appended. */
export const jsonOf = ({ pair, appended }: AppendedPair): string => pairJsonAt(pair, appended.seq);
