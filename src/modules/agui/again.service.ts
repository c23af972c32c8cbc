import { Injectable } from '@nestjs/common';
import { invalidField } from '../../common/problems.js';
import type { IdempotentRequest } from '../../database/idempotency.js';
import { type QuestionPart, textOf } from '../../tree/parts.js';
import type { AnswerStream } from '../answer/answer.js';
import { Answers } from '../answer/answers.service.js';
import { RetryService } from '../answer/retry.service.js';
import { type Revision, RevisionService } from '../answer/revision.service.js';
import { ChatService } from '../chat/chat.service.js';
import type { Pair } from '../chat/pair.js';
import { PathService } from '../chat/path.service.js';
import type { ClientPlace } from '../client-chat/client-places.service.js';
import { cameToNothing, partsOfPair } from '../client-chat/pair-parts.js';
import type { RunTurn, Unit } from './run-request.js';

/** Questions that one run looks for on the path; it says what is behind them. */
const LOOKED_FOR_MAX = 100;

/** Who runs, and in which conversation. */
export interface RunPlace {
  accountId: string;
  rootChatId: string;
  key: IdempotentRequest | null;
}

/** A question whose files are kept. */
export type PreparedUnit = Unit & { parts: QuestionPart[] };
export type PreparedTurn = Omit<RunTurn, 'units'> & { units: PreparedUnit[] };

/** What of a run is there already. */
export interface FoundRun {
  /** The pair whose answer is asked for; null where something is to be said. */
  again: { chatId: string; pair: Pair } | null;
  /** What is to be said, behind what. */
  units: PreparedUnit[];
  after: ClientPlace | null;
}

/**
 * Runs whose questions are on the path already: the page lost the answer, or wants another one, or
 * it failed.
 */
@Injectable()
export class Again {
  constructor(
    private readonly chats: ChatService,
    private readonly paths: PathService,
    private readonly answers: Answers,
    private readonly retries: RetryService,
    private readonly revisions: RevisionService,
  ) {}

  /**
   * @param known the pair of the newest message that was told here
   * @throws 422 where there is nothing to answer
   */
  async find(
    { accountId, rootChatId }: RunPlace,
    { units, endsWithAnswer }: PreparedTurn,
    known: ClientPlace | null,
  ): Promise<FoundRun> {
    if (units.length === 0) return this.unanswered(accountId, known, endsWithAnswer);
    const chatId = known?.chatId ?? (await this.chats.activeOf(accountId, rootChatId));
    const limit = Math.min(units.length, LOOKED_FOR_MAX);
    const { pairs } = await this.paths.page(accountId, chatId, limit, { after: known?.seq ?? 0 });
    const differs = pairs.findIndex((pair, at) => !isSaidIn(units[at]!, pair));
    const said = differs < 0 ? pairs.length : differs;
    const last = pairs[said - 1];
    if (said === units.length) return { again: { chatId, pair: last! }, units: [], after: null };
    const after = last ? { chatId, responseId: last.responseId, seq: last.seq } : known;
    return { again: null, units: units.slice(said), after };
  }

  /** The pair of the newest message, where that wants an answer. @throws 422 where it has one */
  private async unanswered(
    accountId: string,
    known: ClientPlace | null,
    hasAnswer: boolean,
  ): Promise<FoundRun> {
    const pair = known && (await this.paths.pair(accountId, known.chatId, known.responseId));
    if (!pair || (hasAnswer && pair.status !== 'streaming' && !cameToNothing(pair)))
      throw invalidField('messages', 'must say something that has no answer yet');
    return { again: { chatId: known.chatId, pair }, units: [], after: known };
  }

  /**
   * Goes on with an answer that is being written; tries one that came to nothing in its place; has
   * another one made beside any other. @throws what `RetryService.retry` and
   * `RevisionService.revise` throw
   */
  async answer(
    { chatId, pair }: { chatId: string; pair: Pair },
    told: Omit<Revision, 'chatId' | 'responseId'>,
  ): Promise<AnswerStream> {
    const { responseId } = pair;
    const { accountId } = told;
    if (pair.status === 'streaming')
      return (await this.answers.find(accountId, chatId, responseId)).events();
    const revision = { ...told, chatId, responseId };
    const answer = cameToNothing(pair)
      ? await this.retries.retry(revision)
      : await this.revisions.revise(revision);
    return answer.events();
  }
}

/** Whether it is this question: the same words, with as many files and results. */
function isSaidIn({ parts }: PreparedUnit, pair: Pair): boolean {
  const { said, results } = partsOfPair(pair).asked;
  const filesIn = (all: readonly { type: string }[]) =>
    all.filter(({ type }) => type === 'file').length;
  return (
    textOf(parts) === textOf(said) &&
    filesIn(parts) === filesIn(said) &&
    parts.filter(({ type }) => type === 'tool_result').length === results.length
  );
}
