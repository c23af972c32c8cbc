import { EventEmitter, once } from 'node:events';
import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Database, type Statement } from '../database/database.js';
import { Loop } from '../runtime/loop.js';
import { Outage } from '../runtime/outage.js';
import { ClosesAt } from '../runtime/shutdown.module.js';
import type { Run } from '../tree/part-pieces.js';
import { listenTo } from './changes.js';
import { WakeUps } from './wake-ups.js';

/** Someone who wants to have every event of a conversation as soon as it is there. */
export interface Watch {
  readonly accountId: string;
  readonly rootChatId: string;
  /** `seq` of the newest event that it has. */
  readonly head: number;
  /** Look for events after `head`. Must return at once. */
  wake(): void;
  /**
   * The conversation was purged: there will be no more events, nor can those that it lacks be read.
   * Must return at once.
   */
  end(): void;
  /** Pieces of an answer that is being written; those that it has already are nothing to it. */
  hear(delta: Delta): void;
  /** The answers that it hears of. */
  progress(): Progress[];
}

/** Pieces of an answer, joined, told while it is written and never kept: they have no `seq`. */
export interface Delta {
  accountId: string;
  rootChatId: string;
  /** The owner of the pair. */
  chatId: string;
  responseId: string;
  /** Which try to answer: each counts its pieces from 1. */
  generationId: string;
  /** Whether this instance writes it: then nothing of it comes late. */
  isLocal: boolean;
  /** The number of the first piece, and that of the last. */
  from: number;
  n: number;
  runs: readonly Run[];
}

/** How far somebody is with an answer: the number of the last piece that it has. */
export interface Progress {
  generationId: string;
  n: number;
}

/** Knows the pieces of answers, also of those that other instances write. */
export interface PieceSource {
  /** Somebody begins to watch. Must return at once. */
  begin(watch: Watch): void;
  /** Other instances may have put down pieces. Must return at once. */
  wake(watch: Watch): void;
  /**
   * Tells the rest of answers that have ended, by their `response_id`. @throws when it cannot be
   * read now
   */
  tellRest(watch: Watch, responseIds: readonly string[]): Promise<void>;
}

/** A pair as a commit has put it down, with its words: nobody has to read them who needs them. */
export interface NewWords {
  responseId: string;
  version: number;
  body: string;
}

/**
 * Called after each commit of this instance that wrote events of a conversation; with `pair` it
 * wrote no other than that of the pair. Must return at once.
 */
export type Listener = (accountId: string, rootChatId: string, pair?: NewWords) => void;

/**
 * Hears of each change in an account, at whichever instance it was committed; null: in no
 * conversation. May miss some. Must return at once.
 */
export type AccountListener = (accountId: string, rootChatId: string | null) => void;

const LOOK_MS = 1000;

interface WatchRow extends Record<string, unknown> {
  account_id: string;
  chat_id: string;
  is_gone: boolean;
}

const LOOK: Statement = {
  name: 'events.look',
  text: `
    SELECT known.account_id, known.chat_id, v.chat_id IS NULL AS is_gone FROM unnest($1::uuid[], $2::uuid[], $3::int[]) AS known (account_id, chat_id, head)
    LEFT JOIN conversations v ON v.account_id = known.account_id AND v.chat_id = known.chat_id
    WHERE v.event_seq > known.head OR v.chat_id IS NULL`,
};

/**
 * A conversation among those of all accounts: two of them may have chosen the same id for theirs.
 * Instances name conversations to each other by it.
 */
const keyOf = (accountId: string, rootChatId: string): string => `${accountId}/${rootChatId}`;

/**
 * Wakes those who watch a conversation when it has new events. The events themselves are in
 * PostgreSQL, written in the transactions of the changes, and watchers read them there by `seq`: a
 * wake-up that is lost, between instances or in a crash, delays by a second and loses nothing,
 * because every second each instance asks in one statement which of its watched conversations went
 * on.
 */
@Injectable()
export class EventDispatcher implements OnModuleInit {
  private readonly logger = new Logger('Events');
  /** By `keyOf`, as all that is by conversation here. */
  private readonly watches = new Map<string, Watch>();
  private readonly listeners: Listener[] = [];
  private hearAccount: AccountListener | undefined;
  private readonly news = new EventEmitter().setMaxListeners(0);
  private pieces: PieceSource | undefined;
  private readonly loop = new Loop(
    () => this.look(),
    new Outage((cause) => this.logger.debug({ message: 'could not look for events', cause })),
    { everyMs: LOOK_MS },
  );

  constructor(
    private readonly database: Database,
    private readonly dataSource: DataSource,
    private readonly wakeUps: WakeUps,
  ) {}

  onModuleInit(): void {
    listenTo(this.dataSource, (accountId, rootChatId) => {
      if (rootChatId === null) this.accountChanged(accountId);
      else this.changed(accountId, rootChatId);
    });
  }

  @ClosesAt('loops')
  stop(): Promise<void> {
    return this.loop.stop();
  }

  /**
   * To be called after the commit of a change that `recordChange` knows nothing of. Returns at once
   * and never throws.
   */
  changed(accountId: string, rootChatId: string, pair?: NewWords): void {
    const key = keyOf(accountId, rootChatId);
    this.watches.get(key)?.wake();
    this.news.emit(key);
    this.wakeUps.tell('events', key);
    this.hearAccount?.(accountId, rootChatId);
    for (const hear of this.listeners) hear(accountId, rootChatId, pair);
  }

  /** The same of what is in no conversation: a file, an import. */
  accountChanged(accountId: string): void {
    this.hearAccount?.(accountId, null);
    this.wakeUps.tell('account', accountId);
  }

  /**
   * Has `hear` called for each change that this instance commits. A killed instance tells nobody:
   * the events are in PostgreSQL all the same.
   */
  listen(hear: Listener): void {
    this.listeners.push(hear);
  }

  /** From now on `hear` is told what changes in accounts, here and elsewhere; one alone. */
  listenToAccounts(hear: AccountListener): void {
    this.hearAccount = hear;
    this.open();
    this.wakeUps.listen('account', (accountId) => hear(accountId, null));
  }

  /** Tells a piece of an answer to those who watch at this instance. */
  publishDelta(delta: Delta): void {
    this.watches.get(keyOf(delta.accountId, delta.rootChatId))?.hear(delta);
  }

  /**
   * To be called when pieces of answers were put down where other instances find them. Returns at
   * once and never throws.
   */
  wrote(accountId: string, rootChatId: string): void {
    this.wakeUps.tell('pieces', keyOf(accountId, rootChatId));
  }

  /** Who tells pieces to those who watch. */
  tellPiecesOf(source: PieceSource): void {
    this.pieces = source;
  }

  /**
   * Tells the rest of answers that have ended: before their end is told. @throws when it cannot be
   * read now
   */
  async tellRest(watch: Watch, responseIds: readonly string[]): Promise<void> {
    await this.pieces?.tellRest(watch, responseIds);
  }

  /** Resolves when there is something new of a conversation, or may be: after a second. */
  async newsOf(accountId: string, rootChatId: string): Promise<void> {
    this.open();
    await once(this.news, keyOf(accountId, rootChatId), {
      signal: AbortSignal.timeout(LOOK_MS),
    }).catch(() => undefined);
  }

  /** Begins to wake. One watch for each conversation; a second one replaces the first. */
  watch(watch: Watch): void {
    this.watches.set(keyOf(watch.accountId, watch.rootChatId), watch);
    this.pieces?.begin(watch);
    this.open();
    this.loop.start();
  }

  unwatch(watch: Watch): void {
    const key = keyOf(watch.accountId, watch.rootChatId);
    if (this.watches.get(key) === watch) this.watches.delete(key);
  }

  private open(): void {
    this.wakeUps.listen('events', (key) => {
      this.watches.get(key)?.wake();
      this.news.emit(key);
      const [accountId, rootChatId] = key.split('/');
      if (rootChatId !== undefined) this.hearAccount?.(accountId!, rootChatId);
    });
    this.wakeUps.listen('pieces', (key) => {
      const watch = this.watches.get(key);
      if (watch) this.pieces?.wake(watch);
      this.news.emit(key);
    });
  }

  private async look(): Promise<number> {
    const watches = [...this.watches.values()];
    // The next watch starts it again.
    if (watches.length === 0) return Infinity;
    for (const watch of watches) this.pieces?.wake(watch);
    const known = (['accountId', 'rootChatId', 'head'] as const).map((field) =>
      watches.map((watch) => watch[field]),
    );
    const rows = await this.database.query<WatchRow>(LOOK, known);
    for (const { account_id: accountId, chat_id: rootChatId, is_gone: isGone } of rows) {
      const watch = this.watches.get(keyOf(accountId, rootChatId));
      if (isGone) watch?.end();
      else watch?.wake();
    }
    return LOOK_MS;
  }
}
