import { setTimeout as sleep } from 'node:timers/promises';
import { problems } from '../../common/problems.js';
import type { ContentState } from '../../content/journal.js';
import type { PartPiece, Piece } from '../../tree/part-pieces.js';
import type { Entry } from '../message/append.service.js';
import type { AnswerReader } from './answer-reader.js';

/**
 * What is told of an answer while it is written: first `accepted` (but not to whoever resumes),
 * last `completed` or `failed`.
 */
export type AnswerEvent =
  | ({ type: 'accepted'; generationId: string | null } & AnswerPlace)
  | { type: 'delta'; generationId: string; responseId: string; n: number; delta: string }
  | { type: 'part'; generationId: string; responseId: string; n: number; part: PartPiece }
  | AnswerEnd;

/** Where a pair is, and which model was asked for. */
export interface AnswerPlace {
  responseId: string;
  /** The owner of the pair. */
  chatId: string;
  rootChatId: string;
  seq: number;
  /** The pair before it on its path. */
  parentResponseId: string | null;
  model: string | null;
}

/**
 * How it ended: the JSON of the stored pair (`QaPairDto`). An answer that was stopped is completed
 * too.
 */
export interface AnswerEnd {
  type: 'completed' | 'failed';
  json: string;
  /** Null when nobody here knows. */
  contentState: ContentState | null;
  /** Absent when nobody here knows. */
  endedAt?: Date;
}

/** Leaving the iteration never ends the answer. */
export type AnswerStream = AsyncIterable<AnswerEvent>;

/**
 * The last piece of an answer that a reader has: in its text form `<generation_id>:<n>`, the id of
 * a server-sent event.
 */
export interface Position {
  generationId: string;
  n: number;
}

/** An answer as one of the chats sees it whose paths have it. */
export interface AnswerRef {
  accountId: string;
  chatId: string;
  responseId: string;
  /** The conversation, and which try to answer it is; null where nothing is being written. */
  running: { rootChatId: string; generationId: string } | null;
}

/** What is known of an answer, beside whose it is. */
interface KnownAnswer {
  /** How it ended, if it has. */
  end: AnswerEnd | null;
  /**
   * Where its pair is, which is looked up where it is not known. Null for an answer that had ended
   * when it was asked for by name: its end is all.
   */
  place: AnswerPlace | 'unknown' | null;
  /**
   * Finds what a key was given for it in the end, where the key was used before: the same is
   * answered for ever.
   */
  kept?: () => Promise<string | null>;
  /** The question, where it was appended here just now. */
  entry?: Entry;
}

/** As long as a key's insert waits for another one. */
const REPLAY_WAIT_MS = 2000;

/**
 * The answer to a question: being written by this instance or another, or there already. Whoever
 * reads it, or leaves, changes nothing about it.
 */
export class Answer {
  constructor(
    private readonly ref: AnswerRef,
    private readonly reader: AnswerReader,
    private readonly known: KnownAnswer,
  ) {}

  /** Of the pair. */
  get responseId(): string {
    return this.ref.responseId;
  }

  /** Its question as it was appended here just now; null where it was there before. */
  get entry(): Entry | null {
    return this.known.entry ?? null;
  }

  /** Where its pair is; null when nobody here knows. */
  get place(): AnswerPlace | null {
    const { place } = this.known;
    return place === 'unknown' ? null : place;
  }

  /**
   * Waits for its end. @throws idempotency_key_in_use when the first request under its key still
   * runs; content_unavailable
   */
  async whole(): Promise<AnswerEnd> {
    const { end, kept } = this.known;
    if (!kept) return end ?? lastOf(this.pieces());
    const last = end ?? (await soonOf(this.pieces()));
    const json = await kept();
    return json === null ? last : { ...last, json, contentState: null };
  }

  /**
   * All of it: where its pair is, what is there, then what follows as it is written, and its end.
   * Or what comes behind the position `from`, if that is one of this try.
   */
  events(from: Position | null = null): AnswerStream {
    const { running } = this.ref;
    return from !== null && from.generationId === running?.generationId
      ? this.pieces(from.n)
      : this.fromItsBeginning();
  }

  /**
   * Ends it early, wherever it is written. What is there is kept, and the pair counts as
   * `cancelled`; a finished answer stays as it is. Answers the JSON of the pair. @throws
   * content_unavailable; store_unavailable when it cannot be ended
   */
  async stop(): Promise<string> {
    return this.known.end ? this.known.end.json : this.reader.stop(this.ref);
  }

  private async *fromItsBeginning(): AsyncGenerator<AnswerEvent> {
    const { accountId, responseId } = this.ref;
    const place =
      this.place ?? (this.known.place && (await this.reader.placeOf(accountId, responseId)));
    if (place)
      yield { type: 'accepted', generationId: this.ref.running?.generationId ?? null, ...place };
    yield* this.pieces();
  }

  private async *pieces(n = 0): AsyncGenerator<AnswerEvent> {
    if (this.known.end) yield this.known.end;
    else yield* this.reader.behind(this.ref, n);
  }
}

/** A piece of an answer as it is told. */
export const toldPiece = (
  piece: Piece,
  ids: { generationId: string; responseId: string },
): AnswerEvent =>
  'delta' in piece ? { type: 'delta', ...ids, ...piece } : { type: 'part', ...ids, ...piece };

/** The end of an answer as it is told. */
export function endOf(
  json: string,
  status: string,
  contentState: ContentState | null = null,
): AnswerEnd {
  return {
    type: status === 'failed' || status === 'interrupted' ? 'failed' : 'completed',
    json,
    contentState,
  };
}

/** Reads to the end. */
async function lastOf(events: AnswerStream): Promise<AnswerEnd> {
  for await (const event of events)
    if (event.type === 'completed' || event.type === 'failed') return event;
  throw new Error('an answer has no end');
}

/** Whoever sends a key again waits for the first request, but not for ever. */
async function soonOf(events: AnswerStream): Promise<AnswerEnd> {
  const patience = new AbortController();
  const tooLate = sleep(REPLAY_WAIT_MS, null, { signal: patience.signal }).catch(() => null);
  const end = await Promise.race([lastOf(events), tooLate]).finally(() => patience.abort());
  if (!end) throw problems.idempotencyKeyInUse({ headers: { 'retry-after': '5' } });
  return end;
}
