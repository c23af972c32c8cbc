import { Injectable } from '@nestjs/common';
import { invalidField } from '../../common/problems.js';
import { Idempotency } from '../../database/idempotency.js';
import { LanguageModel, ModelError } from '../../llm/language-model.js';
import type { Answer } from './answer.js';
import { Answers } from './answers.service.js';
import { type Revision, RevisionService } from './revision.service.js';

/** One question to several models, side by side. */
@Injectable()
export class FanOutService {
  constructor(
    private readonly answers: Answers,
    private readonly revisions: RevisionService,
    private readonly idempotency: Idempotency,
    private readonly model: LanguageModel,
  ) {}

  /**
   * Makes a sibling branch for each model and waits for all answers. The active branch stays what
   * it is. A model that fails is a failed pair among the others. Answers the JSON of a
   * `FanOutAnswerDto`, in the order of the models.
   * @throws 422 for a model that is not known; chat_not_found, message_not_found,
   * content_unavailable, too_many_answers, tokens_spent
   */
  async fanOut(revision: Revision, models: readonly string[]): Promise<string> {
    const { accountId, key } = revision;
    const kept = key && (await this.idempotency.find(accountId, key));
    if (kept) return this.again(revision, kept);
    models.forEach((name, i) => this.assertKnown(name, `models[${i}]`));
    const append = await this.revisions.siblings(revision, models);
    const outcome = await this.answers.askAll({
      ...append,
      to: { ...append.to, each: true },
      answerOf: (_tx, entries) => itemsOf(entries),
    });
    const { made, json } = outcome!;
    return made ? this.settled(revision, json, made) : this.again(revision, json);
  }

  private assertKnown(name: string, path: string): void {
    try {
      this.model.find(name);
    } catch (error) {
      throw error instanceof ModelError ? invalidField(path, 'is no model of this server') : error;
    }
  }

  /** What was answered to the key, when all of it is there. */
  private async again(revision: Revision, json: string): Promise<string> {
    const { items } = JSON.parse(json) as { items: { status: string }[] };
    if (items.every(({ status }) => status !== 'streaming')) return json;
    const again = items.map((item) =>
      this.answers.again(revision.accountId, JSON.stringify(item), null),
    );
    return this.settled(revision, json, await Promise.all(again));
  }

  /** Waits for all; under a key, whoever is first says for ever what is answered. */
  private async settled(
    { accountId, key }: Revision,
    before: string,
    answers: readonly Answer[],
  ): Promise<string> {
    const json = itemsOf(await Promise.all(answers.map((answer) => answer.whole())));
    return key ? this.idempotency.settle(accountId, key, before, json) : json;
  }
}

const itemsOf = (pairs: readonly { json: string }[]): string =>
  `{"items":[${pairs.map(({ json }) => json).join(',')}]}`;
