import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { problems } from '../../common/problems.js';
import { Database } from '../../database/database.js';
import { isStoreAway } from '../../database/store-patience.js';
import { EventDispatcher } from '../../events/event-dispatcher.js';
import { requestDeadline } from '../../runtime/deadline.js';
import { type Pair, pairJson } from '../chat/pair.js';
import { PathService } from '../chat/path.service.js';
import { LEASE_SECONDS } from '../message/append.sql.js';
import {
  type AnswerEnd,
  type AnswerEvent,
  type AnswerPlace,
  type AnswerRef,
  endOf,
  toldPiece,
} from './answer.js';
import { AnswerPieces } from './answer-pieces.service.js';
import { AnswerHub } from './answer-hub.js';
import {
  ASK_TO_STOP,
  type GenerationRow,
  OF_PAIR,
  PLACE_OF,
  type PlaceRow,
  RUNNING_IN,
  RUNNING_IN_TREE,
} from './answer.sql.js';
import type { RunningAnswer } from './running-answer.js';

/** How often it is looked whether an answer that another instance writes has ended. */
const LOOK_MS = 200;
/** A dead instance's answer is ended by another one within this. */
const STOP_MS = (LEASE_SECONDS + 10) * 1000;

/** Of an answer that was being written when it was found. */
type RunningRef = AnswerRef & { running: object };
const isRunning = (ref: AnswerRef): ref is RunningRef => ref.running !== null;

/** Where answers are read that are being written, by this instance or another. */
@Injectable()
export class AnswerReader {
  constructor(
    private readonly database: Database,
    private readonly hub: AnswerHub,
    private readonly paths: PathService,
    private readonly written: AnswerPieces,
    private readonly events: EventDispatcher,
  ) {}

  /**
   * A pair of a path, and its answer while that is being written. @throws chat_not_found,
   * message_not_found, content_unavailable
   */
  async find(
    accountId: string,
    chatId: string,
    responseId: string,
  ): Promise<{ pair: Pair; row: GenerationRow | null }> {
    const pair = await this.paths.pair(accountId, chatId, responseId);
    return {
      pair,
      row: pair.status === 'streaming' ? await this.rowOf(accountId, responseId) : null,
    };
  }

  /** The newest answer that is being written in a chat; null when there is none. */
  async runningIn(accountId: string, chatId: string): Promise<GenerationRow | null> {
    const [row] = await this.database.query<GenerationRow>(RUNNING_IN, [accountId, chatId]);
    return row ?? null;
  }

  /** The newest one in a whole conversation; null when there is none. */
  async runningInTree(accountId: string, rootChatId: string): Promise<GenerationRow | null> {
    const [row] = await this.database.query<GenerationRow>(RUNNING_IN_TREE, [
      accountId,
      rootChatId,
    ]);
    return row ?? null;
  }

  /** Null when it cannot be read now: the pair is stored, so nobody may be told that it was not. */
  async placeOf(accountId: string, responseId: string): Promise<AnswerPlace | null> {
    const [row] = await this.database
      .query<PlaceRow>(PLACE_OF, [accountId, responseId])
      .catch(() => []);
    if (!row) return null;
    const {
      chat_id: chatId,
      root_chat_id: rootChatId,
      seq,
      parent_response_id: parentResponseId,
      model,
    } = row;
    return { responseId, chatId, rootChatId, seq, parentResponseId, model };
  }

  /** The pieces behind the `n`-th, those that follow as they come, and the end. */
  async *behind(ref: AnswerRef, n: number): AsyncGenerator<AnswerEvent> {
    if (!isRunning(ref)) return yield await this.endNow(ref);
    const here = this.hub.find(ref.accountId, ref.responseId);
    if (here?.ref.generationId === ref.running.generationId) yield* this.piecesHere(here, ref, n);
    else yield* this.piecesElsewhere(ref, n);
  }

  /**
   * Ends an answer that is being written; answers the JSON of its pair. @throws like `Answer.stop`
   */
  async stop({ accountId, chatId, responseId }: AnswerRef): Promise<string> {
    await this.halt(accountId, responseId);
    return pairJson(await this.paths.pair(accountId, chatId, responseId));
  }

  /** Ends the answer that is being written to a question, if any. @throws store_unavailable */
  async halt(accountId: string, responseId: string): Promise<void> {
    const running = this.hub.find(accountId, responseId);
    if (running) running.stop('cancelled');
    else await this.database.query(ASK_TO_STOP, [accountId, responseId]);
    if (!(await this.hasEnded(accountId, responseId, performance.now() + STOP_MS))) {
      throw problems.storeUnavailable({
        detail: 'The answer could not be stopped.',
        headers: { 'retry-after': '5' },
      });
    }
  }

  /**
   * Waits for the end of an answer, and for a store that is away; false when it has none by then.
   * @param until by `performance.now()`
   */
  async hasEnded(accountId: string, responseId: string, until: number): Promise<boolean> {
    requestDeadline()?.lift();
    const running = this.hub.find(accountId, responseId);
    if (running)
      await Promise.race([
        running.ended.catch(() => undefined),
        sleep(until - performance.now(), undefined, { ref: false }),
      ]);
    for (;;) {
      const row = await this.rowOf(accountId, responseId).catch((error: unknown) => {
        if (isStoreAway(error) && performance.now() < until) return undefined;
        throw error;
      });
      if (row === null || row?.status === 'ended') return true;
      if (performance.now() >= until) return false;
      await sleep(LOOK_MS);
    }
  }

  private async rowOf(accountId: string, responseId: string): Promise<GenerationRow | null> {
    const [row] = await this.database.query<GenerationRow>(OF_PAIR, [accountId, responseId]);
    return row ?? null;
  }

  private async *piecesHere(
    here: RunningAnswer,
    ref: RunningRef,
    n: number,
  ): AsyncGenerator<AnswerEvent> {
    let at = n;
    try {
      for await (const event of here.after(at)) {
        if (event.type === 'delta' || event.type === 'part') at = event.n;
        yield event;
      }
    } catch {
      // Another instance has ended it, or will.
      yield* this.piecesElsewhere(ref, at);
    }
  }

  private async *piecesElsewhere(ref: RunningRef, n: number): AsyncGenerator<AnswerEvent> {
    const { accountId, responseId } = ref;
    const { rootChatId, generationId } = ref.running;
    for (let at = n; ;) {
      // First, so that what comes while it is looked wakes.
      const news = this.events.newsOf(accountId, rootChatId);
      const { pieces, newest } = await this.written.behind(accountId, responseId, generationId, at);
      for (const piece of pieces) yield toldPiece(piece, { generationId, responseId });
      at = pieces.at(-1)?.n ?? at;
      if (pieces.length > 0) continue;
      // It was tried again before its end was seen here: the new answer is the one to follow.
      if (newest && newest.generation_id !== generationId && newest.status !== 'ended') {
        return yield* this.behind(
          { ...ref, running: { rootChatId, generationId: newest.generation_id } },
          0,
        );
      }
      const isOver = newest?.generation_id !== generationId || newest.status === 'ended';
      if (isOver) return yield await this.endNow(ref);
      await news;
    }
  }

  private async endNow({ accountId, chatId, responseId }: AnswerRef): Promise<AnswerEnd> {
    const pair = await this.paths.pair(accountId, chatId, responseId);
    return endOf(pairJson(pair), pair.status);
  }
}
