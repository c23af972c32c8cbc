import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { problems } from '../../common/problems.js';
import { Database } from '../../database/database.js';
import { EventDispatcher } from '../../events/event-dispatcher.js';
import { requestDeadline } from '../../runtime/deadline.js';
import { pairJson } from '../chat/pair.js';
import { PathService } from '../chat/path.service.js';
import { type AnswerEnd, type AnswerEvent, type AnswerStream, endOf } from './answer-event.js';
import { AnswerPieces } from './answer-pieces.service.js';
import { GenerationHub } from './generation-hub.js';
import {
  ASK_TO_STOP,
  type GenerationRow,
  LEASE_SECONDS,
  OF_PAIR,
  PLACE_OF,
  type PlaceRow,
  RUNNING_IN,
  RUNNING_IN_TREE,
} from './generations.sql.js';
import type { RunningGeneration } from './running-generation.js';
import { isStoreAway } from './store-patience.js';

/** How often it is looked whether an answer that another instance writes has ended. */
const LOOK_MS = 200;
/** A dead instance's answer is ended by another one within this. */
const STOP_MS = (LEASE_SECONDS + 10) * 1000;

/** The last piece of an answer that a reader has: in its text form `<generation_id>:<n>`, the id of a server-sent event. */
export interface Position {
  generationId: string;
  n: number;
}

/** An answer as one of the chats sees it whose paths have it. */
interface Seen {
  accountId: string;
  rootChatId: string;
  chatId: string;
  responseId: string;
  generationId: string;
}

/** Answers that are being written, by this instance or another: to be followed, waited for, and stopped. */
@Injectable()
export class GenerationService {
  constructor(
    private readonly database: Database,
    private readonly hub: GenerationHub,
    private readonly paths: PathService,
    private readonly written: AnswerPieces,
    private readonly events: EventDispatcher,
  ) {}

  /**
   * All of an answer, or what comes behind `position`: what is there, then what follows as it is written, and its end. Of a finished answer
   * the end alone.
   * @throws chat_not_found, message_not_found, content_unavailable
   */
  async follow(accountId: string, chatId: string, responseId: string, position: Position | null = null): Promise<AnswerStream> {
    const pair = await this.paths.pair(accountId, chatId, responseId);
    const row = pair.status === 'streaming' ? await this.find(accountId, responseId) : null;
    if (!row) return only(endOf(pairJson(pair), pair.status));
    const seen = { accountId, rootChatId: row.root_chat_id, chatId, responseId, generationId: row.generation_id };
    if (position?.generationId === row.generation_id) return this.pieces(seen, position.n);
    return this.joined(seen, this.pieces(seen, 0));
  }

  /** All of an answer that this instance has just begun. */
  begun(running: RunningGeneration): AnswerStream {
    return this.joined(running.ref, this.piecesHere(running, running.ref, 0));
  }

  /** A pair that needs no answer, told as one whose answer came at once. */
  stored(accountId: string, responseId: string, end: AnswerEnd): AnswerStream {
    return this.joined({ accountId, responseId, generationId: null }, only(end));
  }

  /**
   * Ends an answer early, wherever it is written. What is there is kept, and the pair counts as `cancelled`; a finished answer stays as it is.
   * Answers the JSON of the pair. @throws chat_not_found, message_not_found, content_unavailable; store_unavailable when it cannot be ended
   */
  async stop(accountId: string, chatId: string, responseId: string): Promise<string> {
    const pair = await this.paths.pair(accountId, chatId, responseId);
    if (pair.status !== 'streaming') return pairJson(pair);
    const running = this.hub.find(accountId, responseId);
    if (running) running.stop('cancelled');
    else await this.database.query(ASK_TO_STOP, [accountId, responseId]);
    if (!(await this.hasEnded(accountId, responseId, performance.now() + STOP_MS))) {
      throw problems.storeUnavailable({ detail: 'The answer could not be stopped.', headers: { 'retry-after': '5' } });
    }
    return pairJson(await this.paths.pair(accountId, chatId, responseId));
  }

  /** The answer that is being written in a chat: its `response_id`; null when there is none. */
  async runningIn(accountId: string, chatId: string): Promise<string | null> {
    const [row] = await this.database.query<GenerationRow>(RUNNING_IN, [accountId, chatId]);
    return row?.response_id ?? null;
  }

  /** The newest answer that is being written in a conversation; null when there is none. */
  async runningInTree(accountId: string, rootChatId: string): Promise<{ chatId: string; responseId: string } | null> {
    const [row] = await this.database.query<GenerationRow>(RUNNING_IN_TREE, [accountId, rootChatId]);
    return row ? { chatId: row.chat_id, responseId: row.response_id } : null;
  }

  /** Waits for the end of an answer, and for a store that is away; false when it has none by then. @param until by `performance.now()` */
  async hasEnded(accountId: string, responseId: string, until: number): Promise<boolean> {
    requestDeadline()?.lift();
    const running = this.hub.find(accountId, responseId);
    if (running) await Promise.race([running.ended.catch(() => undefined), sleep(until - performance.now(), undefined, { ref: false })]);
    for (;;) {
      const row = await this.find(accountId, responseId).catch((error: unknown) => {
        if (isStoreAway(error) && performance.now() < until) return undefined;
        throw error;
      });
      if (row === null || row?.status === 'ended') return true;
      if (performance.now() >= until) return false;
      await sleep(LOOK_MS);
    }
  }

  private async find(accountId: string, responseId: string): Promise<GenerationRow | null> {
    const [row] = await this.database.query<GenerationRow>(OF_PAIR, [accountId, responseId]);
    return row ?? null;
  }

  private async *joined(
    { accountId, responseId, generationId }: Pick<Seen, 'accountId' | 'responseId'> & { generationId: string | null },
    rest: AnswerStream,
  ): AsyncGenerator<AnswerEvent> {
    const place = await this.placeOf(accountId, responseId);
    if (place) {
      const { chat_id: chatId, root_chat_id: rootChatId, seq, parent_response_id: parentResponseId, model } = place;
      yield { type: 'accepted', generationId, responseId, chatId, rootChatId, seq, parentResponseId, model };
    }
    yield* rest;
  }

  /** Null when it cannot be read now: the pair is stored, so nobody may be told that it was not. */
  private async placeOf(accountId: string, responseId: string): Promise<PlaceRow | null> {
    try {
      const [place] = await this.database.query<PlaceRow>(PLACE_OF, [accountId, responseId]);
      return place ?? null;
    } catch {
      const ref = this.hub.find(accountId, responseId)?.ref;
      return ref ? { chat_id: ref.chatId, root_chat_id: ref.rootChatId, seq: ref.seq, model: ref.model, parent_response_id: null } : null;
    }
  }

  /** The pieces behind `n` and the end: from memory where it is written here, else from what its instance has put down. */
  private async *pieces(seen: Seen, n: number): AsyncGenerator<AnswerEvent> {
    const running = this.hub.find(seen.accountId, seen.responseId);
    if (running?.ref.generationId === seen.generationId) yield* this.piecesHere(running, seen, n);
    else yield* this.piecesElsewhere(seen, n);
  }

  private async *piecesHere(running: RunningGeneration, seen: Seen, n: number): AsyncGenerator<AnswerEvent> {
    let at = n;
    try {
      for await (const event of running.after(at)) {
        if (event.type === 'delta') at = event.n;
        yield event;
      }
    } catch {
      // Another instance has ended it, or will.
      yield* this.piecesElsewhere(seen, at);
    }
  }

  private async *piecesElsewhere(seen: Seen, n: number): AsyncGenerator<AnswerEvent> {
    const { accountId, rootChatId, responseId, generationId } = seen;
    for (let at = n; ;) {
      // First, so that what comes while it is looked wakes.
      const news = this.events.newsOf(rootChatId);
      const { pieces, newest } = await this.written.behind(accountId, responseId, generationId, at);
      for (const piece of pieces) yield { type: 'delta', generationId, responseId, ...piece };
      at = pieces.at(-1)?.n ?? at;
      if (pieces.length > 0) continue;
      // It was tried again before its end was seen here: the new answer is the one to follow.
      if (newest && newest.generation_id !== generationId && newest.status !== 'ended') {
        return yield* this.pieces({ ...seen, generationId: newest.generation_id }, 0);
      }
      const isOver = newest?.generation_id !== generationId || newest.status === 'ended';
      if (isOver) return yield await this.endNow(seen);
      await news;
    }
  }

  private async endNow({ accountId, chatId, responseId }: Seen): Promise<AnswerEnd> {
    const pair = await this.paths.pair(accountId, chatId, responseId);
    return endOf(pairJson(pair), pair.status);
  }
}

async function* only(event: AnswerEvent): AsyncGenerator<AnswerEvent> {
  yield event;
}
