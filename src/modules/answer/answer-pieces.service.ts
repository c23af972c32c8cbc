import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { Database } from '../../database/database.js';
import { EventDispatcher, type PieceSource, type Watch } from '../../events/event-dispatcher.js';
import { Loop } from '../../runtime/loop.js';
import { Outage } from '../../runtime/outage.js';
import { ClosesAt } from '../../runtime/shutdown.module.js';
import type { Piece } from '../../tree/part-pieces.js';
import { addPieces, chunkFrom, runsOf, type StoredChunk } from './delta-log.js';
import { AnswerHub } from './answer-hub.js';
import {
  CHUNKS_OF_ENDED,
  CHUNKS_OF_PAIR,
  CHUNKS_OF_WATCHED,
  type GenerationRow,
} from './answer.sql.js';

interface FoundChunk extends StoredChunk, Record<string, unknown> {
  account_id: string;
  root_chat_id: string;
  chat_id: string;
  response_id: string;
  generation_id: string;
}

/** A look at an answer that another instance writes. */
export interface Look {
  pieces: Piece[];
  /** The newest try to answer the same question; null when the pair is gone. */
  newest: Pick<GenerationRow, 'generation_id' | 'status'> | null;
}

/**
 * The pieces of answers: those that this instance writes are told by it at once; those of others
 * are read from what they have put down, whenever one of them says that it did, and once a second
 * in case that was not heard.
 */
@Injectable()
export class AnswerPieces implements PieceSource, OnModuleInit {
  private readonly logger = new Logger('Answers');
  private readonly woken = new Set<Watch>();
  private readonly loop = new Loop(
    () => this.lookForAll(),
    new Outage((cause) => this.logger.debug({ message: 'pieces could not be read', cause })),
  );

  constructor(
    private readonly database: Database,
    private readonly events: EventDispatcher,
    private readonly hub: AnswerHub,
  ) {}

  onModuleInit(): void {
    this.events.tellPiecesOf(this);
  }

  @ClosesAt('loops')
  stop(): Promise<void> {
    return this.loop.stop();
  }

  begin(watch: Watch): void {
    for (const { ref, log } of this.hub.all()) {
      const { accountId, rootChatId, chatId, responseId, generationId } = ref;
      if (placeOf(ref) !== placeOf(watch) || log.count === 0) continue;
      watch.hear({
        accountId,
        rootChatId,
        chatId,
        responseId,
        generationId,
        isLocal: true,
        from: 1,
        n: log.count,
        runs: log.runs,
      });
    }
    this.wake(watch);
  }

  wake(watch: Watch): void {
    this.woken.add(watch);
    this.loop.wake();
  }

  async tellRest(watch: Watch, responseIds: readonly string[]): Promise<void> {
    const { accountId } = watch;
    this.tell(
      await this.database.query<FoundChunk>(CHUNKS_OF_ENDED, [
        accountId,
        this.hub.instanceId,
        ...told([watch]),
        responseIds,
      ]),
      [watch],
    );
  }

  /** Looks at an answer that another instance writes: some of the pieces behind the `n`-th. */
  async behind(
    accountId: string,
    responseId: string,
    generationId: string,
    n: number,
  ): Promise<Look> {
    type Row = Pick<GenerationRow, 'generation_id' | 'status'> &
      StoredChunk &
      Record<string, unknown>;
    const rows = await this.database.query<Row>(CHUNKS_OF_PAIR, [
      accountId,
      responseId,
      generationId,
      n,
    ]);
    const pieces: Piece[] = [];
    for (const row of rows) if (row.n !== null) addPieces(pieces, chunkFrom(row), n);
    return { pieces, newest: rows[0] ?? null };
  }

  /** One statement at a time: those who are woken meanwhile share the next one. */
  private async lookForAll(): Promise<void> {
    const watches = [...this.woken];
    if (watches.length === 0) return;
    this.woken.clear();
    const of = [
      watches.map(({ accountId }) => accountId),
      watches.map(({ rootChatId }) => rootChatId),
    ];
    this.tell(
      await this.database.query<FoundChunk>(CHUNKS_OF_WATCHED, [
        ...of,
        this.hub.instanceId,
        ...told(watches),
      ]),
      watches,
    );
  }

  private tell(chunks: readonly FoundChunk[], watches: readonly Watch[]): void {
    const placed = new Map(watches.map((watch) => [placeOf(watch), watch]));
    for (const {
      account_id: accountId,
      root_chat_id: rootChatId,
      chat_id: chatId,
      response_id: responseId,
      generation_id: generationId,
      ...chunk
    } of chunks) {
      const { n: from, sizes } = chunk;
      placed.get(placeOf({ accountId, rootChatId }))?.hear({
        accountId,
        rootChatId,
        chatId,
        responseId,
        generationId,
        isLocal: false,
        from,
        n: from + sizes.length - 1,
        runs: runsOf(chunkFrom(chunk)),
      });
    }
  }
}

const placeOf = ({ accountId, rootChatId }: Pick<Watch, 'accountId' | 'rootChatId'>): string =>
  `${accountId}/${rootChatId}`;

/** How far the watches are, as two columns. */
function told(watches: readonly Watch[]): [string[], number[]] {
  const progress = watches.flatMap((watch) => watch.progress());
  return [progress.map(({ generationId }) => generationId), progress.map(({ n }) => n)];
}
