import { Injectable, Logger, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { DataSource, type EntitySubscriberInterface, type TransactionCommitEvent } from 'typeorm';
import { Database, type Statement } from '../database/database.js';
import { notesOf } from './changes.js';
import { WakeUps } from './wake-ups.js';

/** Someone who wants to have every event of a conversation as soon as it is there. */
export interface Watch {
  readonly accountId: string;
  readonly rootChatId: string;
  /** `seq` of the newest event that it has. */
  readonly head: number;
  /** Look for events after `head`. Must return at once. */
  wake(): void;
  /** A piece of an answer that is being written. */
  hear(delta: Delta): void;
}

/** A piece of an answer, told while it is written and never kept: it has no `seq`, and nobody who missed it gets it later. */
export interface Delta {
  rootChatId: string;
  responseId: string;
  /** Counts the pieces of an answer from 1. */
  n: number;
  delta: string;
}

/** Called after each commit of this instance that wrote events of a conversation. Must return at once. */
export type Listener = (accountId: string, rootChatId: string) => void;

const LOOK_MS = 1000;

const LOOK: Statement = {
  name: 'events.look',
  text: `
    SELECT v.chat_id FROM unnest($1::uuid[], $2::uuid[], $3::int[]) AS known (account_id, chat_id, head)
    JOIN conversations v ON v.account_id = known.account_id AND v.chat_id = known.chat_id
    WHERE v.event_seq > known.head`,
};

/**
 * Wakes those who watch a conversation when it has new events. The events themselves are in PostgreSQL, written in the transactions of the
 * changes, and watchers read them there by `seq`: a wake-up that is lost, between instances or in a crash, delays by a second and loses nothing,
 * because every second each instance asks in one statement which of its watched conversations went on.
 */
@Injectable()
export class EventDispatcher implements OnModuleInit, OnModuleDestroy {
  private readonly logger = new Logger('Events');
  private readonly watches = new Map<string, Watch>();
  private readonly listeners: Listener[] = [];
  private timer: NodeJS.Timeout | undefined;
  private looking: Promise<void> | null = null;

  constructor(
    private readonly database: Database,
    private readonly dataSource: DataSource,
    private readonly wakeUps: WakeUps,
  ) {}

  onModuleInit(): void {
    this.dataSource.subscribers.push(new CommitListener(this));
  }

  async onModuleDestroy(): Promise<void> {
    clearInterval(this.timer);
    await this.looking;
  }

  /** To be called after the commit of a change that `recordChange` knows nothing of. Returns at once and never throws. */
  changed(accountId: string, rootChatId: string): void {
    this.watches.get(rootChatId)?.wake();
    this.wakeUps.tell(rootChatId);
    for (const hear of this.listeners) hear(accountId, rootChatId);
  }

  /** Has `hear` called for each change that this instance commits. A killed instance tells nobody: the events are in PostgreSQL all the same. */
  listen(hear: Listener): void {
    this.listeners.push(hear);
  }

  /** Tells a piece of an answer to those who watch at this instance. */
  publishDelta(delta: Delta): void {
    this.watches.get(delta.rootChatId)?.hear(delta);
  }

  /** Begins to wake. One watch for each conversation; a second one replaces the first. */
  watch(watch: Watch): void {
    this.watches.set(watch.rootChatId, watch);
    if (this.timer) return;
    this.wakeUps.listen((rootChatId) => this.watches.get(rootChatId)?.wake());
    this.timer = setInterval(() => (this.looking ??= this.look().finally(() => (this.looking = null))), LOOK_MS).unref();
  }

  get hasWatches(): boolean {
    return this.watches.size > 0;
  }

  /** Whether the account watches the conversation at this instance. */
  isWatched(accountId: string, rootChatId: string): boolean {
    return this.watches.get(rootChatId)?.accountId === accountId;
  }

  unwatch(watch: Watch): void {
    if (this.watches.get(watch.rootChatId) === watch) this.watches.delete(watch.rootChatId);
  }

  private async look(): Promise<void> {
    const watches = [...this.watches.values()];
    if (watches.length === 0) return;
    const known = (['accountId', 'rootChatId', 'head'] as const).map((field) => watches.map((watch) => watch[field]));
    try {
      const rows = await this.database.query<{ chat_id: string }>(LOOK, known);
      for (const row of rows) this.watches.get(row.chat_id)?.wake();
    } catch (error) {
      this.logger.debug({ message: 'could not look for events', cause: (error as Error).message });
    }
  }
}

/** Hears of every commit of TypeORM, so that no writer can forget to wake. */
class CommitListener implements EntitySubscriberInterface {
  constructor(private readonly dispatcher: EventDispatcher) {}

  afterTransactionCommit({ queryRunner }: TransactionCommitEvent): void {
    const notes = notesOf(queryRunner);
    for (const [rootChatId, accountId] of notes) this.dispatcher.changed(accountId, rootChatId);
    notes.clear();
  }
}
