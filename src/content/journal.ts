import { Injectable, Logger } from '@nestjs/common';
import { failpoint } from '../common/failpoint.js';
import { problems } from '../common/problems.js';
import { Config } from '../config/config.js';
import { Database } from '../database/database.js';
import { Loop } from '../runtime/loop.js';
import { Outage } from '../runtime/outage.js';
import { ClosesAt } from '../runtime/shutdown.module.js';
import { ContentStore, type PairWrite } from './content-store.js';
import { BACKLOG, HELD_ABOUT, MARK_STORED } from './journal.sql.js';
import { PutTogether } from './put-together.js';

/**
 * Where the words of a pair are when its request is answered (the header `Content-State`): in the
 * store, or safe in PostgreSQL on their way to it.
 */
export type ContentState = 'stored' | 'journaled';

/** What the store has still to be given. */
export interface Backlog {
  rows: number;
  bytes: number;
  /** Age of the oldest pair of it; 0 when there is none. */
  oldestSeconds: number;
}

/**
 * All that the journal holds: what is unsent, and what MongoDB has still to prove. Beyond some
 * thousand rows these are estimates.
 */
export interface Held {
  rows: number;
  bytes: number;
}

interface Mark extends Pick<PairWrite, 'accountId' | 'chatId' | 'seq' | 'version'> {
  round: number;
}

const MARK_MS = 250;
/**
 * How long after a failure appends leave the store alone: each would wait for its time limit, and
 * the relay comes for the words anyway.
 */
const PAUSE_MS = 1000;
const PROBE_MS = 3000;
const MIB = 1024 * 1024;
const UNSENT_MIB_MAX = 256;
const AGE_MAX_SECONDS = 24 * 3600;

/**
 * The direct way of words to MongoDB, right after the commit that made the pair. What fails here is
 * not lost and not an error: the row of
 * `content_journal` stays unsent, and the relay of any instance takes it. With the words in
 * PostgreSQL there is no journal and nothing to do.
 */
@Injectable()
export class Journal {
  private readonly logger = new Logger(Journal.name);
  private marks: Mark[] = [];
  /** One statement for all pairs of a quarter of a second instead of one for each. */
  private readonly marking = new Loop(
    () => this.writeMarks(),
    new Outage((cause) => this.logger.debug({ message: 'stored words were not marked', cause })),
    { gatherMs: MARK_MS },
  );
  private pausedUntil = 0;
  private readonly together: PutTogether;
  /** As the relay last measured them. */
  backlog: Readonly<Backlog> = { rows: 0, bytes: 0, oldestSeconds: 0 };
  held: Readonly<Held> = { rows: 0, bytes: 0 };
  /** Which bound was reached then. */
  private full: string | null = null;

  constructor(
    private readonly database: Database,
    private readonly store: ContentStore,
    private readonly config: Config,
  ) {
    this.together = new PutTogether(store);
  }

  /**
   * Writes the words of a pair that was just committed. Never throws; takes 2 s at most, and no
   * time at all while the store is known to be away. `round` is that of the pair's row in the
   * journal: 0 for a new pair.
   */
  async deliver(pair: PairWrite, round = 0): Promise<ContentState> {
    if (this.store.table !== 'content_journal') return 'stored';
    if (Date.now() < this.pausedUntil) return 'journaled';
    // While the store is away one append a time tries it; the others see this and go on.
    if (this.pausedUntil > 0) this.pausedUntil = Date.now() + PROBE_MS;
    failpoint('journal.before_put');
    try {
      await this.together.put(pair);
    } catch (error) {
      this.pause(error);
      return 'journaled';
    }
    failpoint('journal.after_put');
    this.pausedUntil = 0;
    this.mark({
      accountId: pair.accountId,
      chatId: pair.chatId,
      seq: pair.seq,
      version: pair.version,
      round,
    });
    return 'stored';
  }

  /**
   * @throws store_unavailable when so much waits for MongoDB that PostgreSQL must not take more; to
   * be asked before an append.
   */
  assertRoom(): void {
    if (this.full === null) return;
    throw problems.storeUnavailable({
      detail: `Too many words wait for MongoDB: ${this.full}.`,
      headers: { 'Retry-After': '5' },
    });
  }

  /**
   * Looks how much there is; the relay asks for it about once a second, so that `assertRoom` costs
   * an append nothing.
   */
  async measure(): Promise<void> {
    const [[unsent], [held]] = await Promise.all([
      this.database.query<{ rows: number; bytes: number; oldest_seconds: number }>(BACKLOG, [
        this.config.JOURNAL_MAX_ROWS,
      ]),
      this.database.query<{ rows: number; bytes: number }>(HELD_ABOUT, []),
    ]);
    if (unsent)
      this.backlog = {
        rows: unsent.rows,
        bytes: unsent.bytes,
        oldestSeconds: unsent.oldest_seconds,
      };
    if (held) this.held = held;
    this.full = this.bounds().find(({ now, max }) => now >= max)?.what ?? null;
  }

  /**
   * Writes down what was stored since the last time. What is lost here (a crash, PostgreSQL away)
   * is sent once more by the relay.
   */
  flush(): Promise<void> {
    return this.marking.flush();
  }

  @ClosesAt('publish')
  async stop(): Promise<void> {
    await this.flush();
    await this.marking.stop();
  }

  private bounds(): { now: number; max: number; what: string }[] {
    const { backlog, held } = this;
    const { JOURNAL_MAX_ROWS, JOURNAL_HELD_MAX_ROWS, JOURNAL_HELD_MAX_MB } = this.config;
    return [
      {
        now: backlog.rows,
        max: JOURNAL_MAX_ROWS,
        what: `${JOURNAL_MAX_ROWS} pairs are not sent yet (JOURNAL_MAX_ROWS)`,
      },
      {
        now: backlog.bytes,
        max: UNSENT_MIB_MAX * MIB,
        what: `${UNSENT_MIB_MAX} MiB are not sent yet`,
      },
      {
        now: backlog.oldestSeconds,
        max: AGE_MAX_SECONDS,
        what: 'the oldest have not been sent for a day',
      },
      {
        now: held.rows,
        max: JOURNAL_HELD_MAX_ROWS,
        what: `${JOURNAL_HELD_MAX_ROWS} pairs are in the journal (JOURNAL_HELD_MAX_ROWS)`,
      },
      {
        now: held.bytes,
        max: JOURNAL_HELD_MAX_MB * MIB,
        what: `${JOURNAL_HELD_MAX_MB} MiB are in the journal (JOURNAL_HELD_MAX_MB)`,
      },
    ];
  }

  private pause(error: unknown): void {
    if (this.pausedUntil === 0)
      this.logger.warn({ message: 'words stay in the journal', cause: (error as Error).message });
    this.pausedUntil = Date.now() + PAUSE_MS;
  }

  private mark(mark: Mark): void {
    this.marks.push(mark);
    this.marking.wake();
  }

  private async writeMarks(): Promise<void> {
    const { marks } = this;
    if (marks.length === 0) return;
    this.marks = [];
    const columns = (['accountId', 'chatId', 'seq', 'version', 'round'] as const).map((field) =>
      marks.map((mark) => mark[field]),
    );
    await this.database.query(MARK_STORED, [...columns, this.config.JOURNAL_RETENTION_SECONDS]);
  }
}
