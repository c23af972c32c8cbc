import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { newId } from '../../common/ids.js';
import { problems } from '../../common/problems.js';
import { sha256Of, wordsOf } from '../../content/body.js';
import type { WriteResult, Outcome } from '../../database/idempotency.js';
import { tellChanged } from '../../events/changes.js';
import type { MessageStatus } from '../chat/message.entity.js';
import { type Pair, pairJson } from '../chat/pair.js';
import { PathService } from '../chat/path.service.js';
import { TreeChanges } from '../chat/tree-changes.service.js';
import type { Entry } from '../message/append.service.js';
import type { NewAnswer, NewPair } from '../message/append.sql.js';
import type { Answer } from './answer.js';
import { Answers } from './answers.service.js';
import { IS_INHERITED, LOCK_PLACE, type PlaceState, RESTART } from './answer.sql.js';
import { type Revision, RevisionService } from './revision.service.js';
import { Turns } from './turns.js';

const RETRYABLE: readonly MessageStatus[] = ['failed', 'interrupted', 'cancelled'];

/**
 * Why a question cannot be given to a model again in its place; thrown to take back what its
 * transaction did.
 */
class Obstacle extends Error {
  constructor(readonly kind: 'busy' | 'inherited') {
    super(kind);
  }
}

/** Answers that did not come to their end, tried again. */
@Injectable()
export class RetryService {
  constructor(
    private readonly answers: Answers,
    private readonly paths: PathService,
    private readonly trees: TreeChanges,
    private readonly revisions: RevisionService,
    private readonly turns: Turns,
  ) {}

  /**
   * The answer is written in its place, as a further version, by the model that is named, else by
   * that of the chat as it is now. A pair that somebody inherited does
   * not change under him (R3): there the new answer is on a sibling branch, as by `regenerate`.
   * @throws chat_not_found, message_not_found, answer_not_retryable, generation_in_progress,
   * too_many_answers, tokens_spent
   */
  async retry(revision: Revision): Promise<Answer> {
    const { accountId, chatId, responseId } = revision;
    for (const deadline = this.turns.deadline(); ;) {
      const kept = await this.answers.kept(accountId, revision.key);
      if (kept) return kept;
      const pair = await this.paths.pair(accountId, chatId, responseId);
      if (pair.status === 'streaming') throw problems.generationInProgress();
      if (!RETRYABLE.includes(pair.status)) throw problems.answerNotRetryable();
      const answer = pair.chatId === chatId ? await this.inPlace(revision, pair) : 'inherited';
      if (answer === 'inherited') return this.revisions.revise(revision);
      if (answer !== 'busy') return answer;
      await this.turns.wait(accountId, chatId, 'queue', deadline);
    }
  }

  /** @returns why not, where it cannot be */
  private async inPlace(
    { accountId, key, model = null }: Revision,
    pair: Pair,
  ): Promise<Answer | Obstacle['kind']> {
    const { settings } = wordsOf(pair.body);
    const instanceId = this.answers.writerId;
    const question = questionAgain(accountId, pair, {
      ...{ generationId: newId(), instanceId, model, idempotent: key },
      ...(settings && { settings }),
    });
    const restart = (): Promise<Outcome<Entry[]>> =>
      this.trees.make(accountId, pair.chatId, key, (tx) => restartIn(tx, question, pair.seq));
    try {
      return await this.answers.lastOf(
        { accountId, key },
        (await this.answers.begin(accountId, 1, restart))!,
      );
    } catch (error) {
      if (error instanceof Obstacle) return error.kind;
      throw error;
    }
  }
}

/** The question of a pair that has no answer, for another try; settings stay what they were. */
function questionAgain(accountId: string, pair: Pair, generation: NewAnswer): NewPair {
  return {
    ...pair,
    accountId,
    status: 'streaming',
    model: generation.model,
    usage: null,
    error: null,
    sha256: sha256Of(pair.body),
    parent: undefined,
    mustBeActive: false,
    idempotent: null,
    generation,
  };
}

async function restartIn(
  tx: EntityManager,
  pair: NewPair,
  seq: number,
): Promise<WriteResult<Entry[]>> {
  const { accountId, chatId, responseId, version, generation } = pair;
  const [place] = await tx.query<PlaceState[]>(LOCK_PLACE, [accountId, chatId, seq]);
  if (!place) throw problems.chatNotFound();
  if (place.is_busy) throw new Obstacle('busy');
  const [found] = await tx.query<{ is_inherited: boolean }[]>(IS_INHERITED, [
    accountId,
    chatId,
    seq,
  ]);
  if (found!.is_inherited) throw new Obstacle('inherited');
  const { generationId, instanceId, model, idempotent } = generation!;
  const key = [idempotent?.scope ?? null, idempotent?.key ?? null];
  const values = [
    accountId,
    chatId,
    responseId,
    generationId,
    instanceId,
    model,
    ...key,
    new Date(),
    version,
  ];
  // Somebody was quicker, and it has an answer.
  if ((await tx.query<unknown[]>(RESTART, values)).length === 0)
    throw problems.answerNotRetryable();
  tellChanged(tx, accountId, place.root_chat_id);
  const json = pairJson({ ...pair, seq });
  return {
    made: [{ pair, row: { ...place, response_id: responseId, seq }, json, contentState: null }],
    answer: json,
  };
}
