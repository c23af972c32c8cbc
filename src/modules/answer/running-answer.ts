import type { NewPair } from '../message/append.sql.js';
import type { AnswerSettings } from '../../llm/settings.js';
import type { PartPiece } from '../../tree/part-pieces.js';
import { type AnswerEnd, type AnswerEvent, toldPiece } from './answer.js';
import { DeltaLog } from './delta-log.js';
import type { GenerationRef } from './answer-ends.js';

/**
 * An answer that has just begun, with what its append knows: whoever writes it does not read that
 * again.
 */
export interface BegunAnswer extends GenerationRef {
  seq: number;
  /** The question, as it is stored. */
  question: NewPair;
  forkSeq: number;
  /** The model that was asked for by name; null for that of the chat. */
  model: string | null;
  settings?: AnswerSettings;
  /** What the chat said at that moment. */
  chat: { model: string | null; systemPrompt: string | null };
}

/** Why an answer is cut short: somebody stopped it, or its instance stops. */
export type Cut = 'cancelled' | 'interrupted';

/** Pieces that a reader takes at a time. What it does not take stays where it is for all. */
const PIECES_MAX = 64;

/** One answer that is being written by this process. Readers come and go; it does not know them. */
export class RunningAnswer {
  readonly log = new DeltaLog();
  readonly startedAt = performance.now();
  /** Milliseconds from the start to the first piece; undefined until then. */
  firstPieceMs: number | undefined;
  cut: Cut | null = null;
  /** Whether its end is being stored: from then on its row may say so. */
  isEnding = false;
  readonly ended: Promise<AnswerEnd>;
  private readonly abort = new AbortController();
  private end: AnswerEnd | Error | null = null;
  private settle!: { resolve: (end: AnswerEnd) => void; reject: (error: Error) => void };
  private news: { promise: Promise<void>; tell: () => void } | null = null;

  constructor(readonly ref: BegunAnswer) {
    this.ended = new Promise((resolve, reject) => (this.settle = { resolve, reject }));
    // Nobody may be waiting.
    this.ended.catch(() => undefined);
  }

  /** Aborts when the answer is cut short. */
  get signal(): AbortSignal {
    return this.abort.signal;
  }

  /** Ends it early; the first reason counts. What is there is kept. */
  stop(cut: Cut): void {
    this.cut ??= cut;
    this.abort.abort();
  }

  add(piece: string | PartPiece): number {
    this.firstPieceMs ??= Math.round(performance.now() - this.startedAt);
    const n = this.log.add(piece);
    this.tell();
    return n;
  }

  finish(end: AnswerEnd): void {
    this.end = end;
    this.settle.resolve(end);
    this.tell();
  }

  /**
   * It was ended by somebody else, or cannot be stored: readers must look for its end in the
   * database.
   */
  lose(error: Error): void {
    this.end = error;
    this.settle.reject(error);
    this.abort.abort();
    this.tell();
  }

  /**
   * Lets go of what was written, a while after the end: readers who are so far behind hold nothing
   * here, and read the rest from the database.
   */
  release(): void {
    this.end = new Error('released');
    this.log.clear();
  }

  /**
   * The pieces behind `n`, those that follow as they come, and the end. @throws what `lose` was
   * told, and after `release`
   */
  async *after(n: number): AsyncGenerator<AnswerEvent> {
    const { generationId, responseId } = this.ref;
    for (let at = n; ;) {
      const pieces = this.log.after(at, PIECES_MAX);
      for (const piece of pieces) yield toldPiece(piece, { generationId, responseId });
      at += pieces.length;
      if (pieces.length > 0) continue;
      if (this.end instanceof Error) throw this.end;
      if (this.end) return yield this.end;
      await this.next();
    }
  }

  private next(): Promise<void> {
    if (!this.news) {
      let tell = (): void => {};
      const promise = new Promise<void>((resolve) => (tell = resolve));
      this.news = { promise, tell };
    }
    return this.news.promise;
  }

  private tell(): void {
    this.news?.tell();
    this.news = null;
  }
}
