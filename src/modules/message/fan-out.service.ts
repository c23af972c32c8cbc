import { Injectable } from '@nestjs/common';
import { invalidField } from '../../common/problems.js';
import { Idempotency } from '../../database/idempotency.js';
import { LanguageModel, ModelError } from '../../llm/language-model.js';
import type { AppendedPair } from './append.service.js';
import { Asker, jsonOf } from './asker.js';
import { type Posted, Postings } from './postings.js';
import { type Revision, RevisionService } from './revision.service.js';

/** One question to several models, side by side. */
@Injectable()
export class FanOutService {
  constructor(
    private readonly asker: Asker,
    private readonly revisions: RevisionService,
    private readonly postings: Postings,
    private readonly idempotency: Idempotency,
    private readonly model: LanguageModel,
  ) {}

  /**
   * Makes a sibling branch for each model and waits for all answers. The active branch stays what it is. A model that fails is a failed pair
   * among the others. Answers the JSON of a `FanOutAnswerDto`, in the order of the models.
   * @throws 422 for a model that is not known; chat_not_found, message_not_found, content_unavailable, too_many_answers, tokens_spent
   */
  async fanOut(revision: Revision, models: readonly string[]): Promise<string> {
    this.asker.assertRoom();
    const { accountId, idempotent } = revision;
    const kept = idempotent && (await this.idempotency.find(accountId, idempotent));
    if (kept) return this.whole(revision, kept);
    models.forEach((name, i) => this.assertKnown(name, `models[${i}]`));
    const pairs = (await this.revisions.siblings(revision, models)).map((pair) => ({
      ...pair,
      // One answer alone is not that of the key.
      generation: pair.generation && { ...pair.generation, idempotent: null },
    }));
    const { made, json } = await this.asker.appendToForks(pairs, false, itemsOf);
    return made ? this.settled(revision, json, made) : this.whole(revision, json);
  }

  private assertKnown(name: string, path: string): void {
    try {
      this.model.find(name);
    } catch (error) {
      throw error instanceof ModelError ? invalidField(path, 'is no model of this server') : error;
    }
  }

  /** What was answered to the key, when all of it is there. */
  private async whole(revision: Revision, json: string): Promise<string> {
    const { items } = JSON.parse(json) as { items: { status: string }[] };
    if (items.every(({ status }) => status !== 'streaming')) return json;
    return this.settled(
      revision,
      json,
      await Promise.all(items.map((item) => this.postings.again(revision.accountId, JSON.stringify(item)))),
    );
  }

  /** Waits for all; under a key, whoever is first says for ever what is answered. */
  private async settled({ accountId, idempotent }: Revision, before: string, posted: readonly Posted[]): Promise<string> {
    const answers = await Promise.all(posted.map((one) => this.postings.whole(accountId, one, null)));
    const json = `{"items":[${answers.map((answer) => answer.json).join(',')}]}`;
    return idempotent ? this.idempotency.settle(accountId, idempotent, before, json) : json;
  }
}

const itemsOf = (made: readonly AppendedPair[]): string => `{"items":[${made.map(jsonOf).join(',')}]}`;
