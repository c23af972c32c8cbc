import { randomUUID } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import { Database } from '../../database/database.js';
import { EventDispatcher } from '../../events/event-dispatcher.js';
import { Loop } from '../../runtime/loop.js';
import { Outage } from '../../runtime/outage.js';
import { LEASE_SECONDS } from '../message/append.sql.js';
import type { PartPiece } from '../../tree/part-pieces.js';
import { WRITE_CHUNKS } from './answer.sql.js';
import { partsToStore, runOf } from './delta-log.js';
import type { RunningAnswer } from './running-answer.js';

const WRITE_MS = 250;
const RENEW_MS = 1000;

/**
 * The answers that this process writes. Four times a second, or as soon as a kibibyte is there,
 * their newest pieces go to PostgreSQL in one statement for all of them; once a second it renews
 * the leases of all, and hears which of them somebody wants to stop.
 */
@Injectable()
export class AnswerHub {
  /** Told with each answer, so that it can be seen whose it is. */
  readonly instanceId = randomUUID();
  private readonly logger = new Logger('Answers');
  private readonly running = new Map<string, RunningAnswer>();
  private readonly loop = new Loop(
    () => this.write(),
    new Outage((cause) => this.logger.debug({ message: 'pieces were not written', cause })),
    { everyMs: WRITE_MS },
  );
  private renewedAt = 0;
  private isClosed = false;

  constructor(
    private readonly database: Database,
    private readonly events: EventDispatcher,
  ) {}

  get size(): number {
    return this.running.size;
  }

  all(): RunningAnswer[] {
    return [...this.running.values()];
  }

  /**
   * The answer to a question, if it is written here. The account is asked for, so that nobody finds
   * another's.
   */
  find(accountId: string, responseId: string): RunningAnswer | undefined {
    const found = this.running.get(responseId);
    return found?.ref.accountId === accountId ? found : undefined;
  }

  /** From now on what begins is interrupted at once: this instance stops. */
  close(): void {
    this.isClosed = true;
  }

  add(generation: RunningAnswer): void {
    if (this.isClosed) generation.stop('interrupted');
    this.running.set(generation.ref.responseId, generation);
    this.loop.start();
  }

  /**
   * Its place may have been taken: a retry begins as soon as the end is stored, and its words may
   * still be on their way to MongoDB then.
   */
  remove(generation: RunningAnswer): void {
    const { responseId } = generation.ref;
    if (this.running.get(responseId) === generation) this.running.delete(responseId);
  }

  /** Adds a piece to an answer, and tells it to those who watch the conversation here. */
  say(generation: RunningAnswer, piece: string | PartPiece): void {
    const { accountId, rootChatId, chatId, responseId, generationId } = generation.ref;
    const n = generation.add(piece);
    this.events.publishDelta({
      accountId,
      rootChatId,
      chatId,
      responseId,
      generationId,
      isLocal: true,
      from: n,
      n,
      runs: [runOf(n, piece)],
    });
    if (generation.log.isHeavy) this.loop.wake();
  }

  /** Writes what is there now. Never throws. */
  flush(): Promise<void> {
    return this.loop.flush();
  }

  /** Nothing more is due when no answer runs: the next one starts it again. */
  private async write(): Promise<number> {
    if (this.running.size === 0) return Infinity;
    await this.writeNow();
    return WRITE_MS;
  }

  private async writeNow(): Promise<void> {
    const now = performance.now();
    const isRenewal = now - this.renewedAt >= RENEW_MS;
    const parts = this.all()
      .map((generation) => ({ generation, chunks: generation.log.toWrite() }))
      .filter(({ chunks }) => isRenewal || chunks.length > 0);
    if (parts.length === 0) return;
    const rows = await this.database.query<{ generation_id: string; status: string }>(
      WRITE_CHUNKS,
      columnsOf(parts),
    );
    if (isRenewal) this.renewedAt = now;
    const statuses = new Map(rows.map((row) => [row.generation_id, row.status]));
    for (const { generation, chunks } of parts) {
      generation.log.written(chunks.length);
      const { accountId, rootChatId } = generation.ref;
      if (chunks.length > 0) this.events.wrote(accountId, rootChatId);
      const status = statuses.get(generation.ref.generationId);
      if (status === 'stopping') generation.stop('cancelled');
      // It was paused for longer than its lease, and somebody else ended its answer: this one may
      // not write any more.
      else if (status === undefined && !generation.isEnding) this.lose(generation);
    }
  }

  private lose(generation: RunningAnswer): void {
    this.logger.warn({
      message: `an answer was ended by another instance: this one was silent for ${LEASE_SECONDS} s`,
      ...idsOf(generation),
    });
    this.remove(generation);
    generation.lose(new Error('ended elsewhere'));
  }
}

const idsOf = ({ ref: { chatId, responseId } }: RunningAnswer) => ({ chatId, responseId });

function columnsOf(
  parts: readonly {
    generation: RunningAnswer;
    chunks: ReturnType<RunningAnswer['log']['toWrite']>;
  }[],
): unknown[] {
  const chunks = parts.flatMap(({ generation: { ref }, chunks: own }) =>
    own.map((chunk) => ({ ref, chunk })),
  );
  return [
    parts.map(({ generation }) => generation.ref.accountId),
    parts.map(({ generation }) => generation.ref.generationId),
    chunks.map(({ ref }) => ref.accountId),
    chunks.map(({ ref }) => ref.generationId),
    chunks.map(({ chunk }) => chunk.n),
    chunks.map(({ chunk }) => `{${Array.from(chunk.sizes).join(',')}}`),
    chunks.map(({ chunk }) => chunk.text),
    chunks.map(({ chunk }) => partsToStore(chunk)),
  ];
}
