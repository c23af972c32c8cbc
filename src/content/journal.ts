import { Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import { failpoint } from '../common/failpoint.js';
import { problems } from '../common/problems.js';
import { Config } from '../config/config.js';
import { Database } from '../database/database.js';
import { ContentStore, type PairWrite } from './content-store.js';
import { BACKLOG, MARK_STORED } from './journal.sql.js';

/** Where the words of a pair are when its request is answered (the header `Content-State`): in the store, or safe in PostgreSQL on their way to it. */
export type ContentState = 'stored' | 'journaled';

/** What the store has still to be given. */
export interface Backlog {
  rows: number;
  bytes: number;
  /** Age of the oldest pair of it; 0 when there is none. */
  oldestSeconds: number;
}

interface Mark extends Pick<PairWrite, 'accountId' | 'chatId' | 'seq' | 'version'> {
  round: number;
}

const MARK_MS = 250;
/** How long after a failure appends leave the store alone: each would wait for its time limit, and the relay comes for the words anyway. */
const PAUSE_MS = 1000;
const PROBE_MS = 3000;
const BYTES_MAX = 256 * 1024 * 1024;
const AGE_MAX_SECONDS = 24 * 3600;

/**
 * The direct way of words to MongoDB, right after the commit that made the pair. What fails here is not lost and not an error: the row of
 * `content_journal` stays unsent, and the relay of any instance takes it. With the words in PostgreSQL there is no journal and nothing to do.
 */
@Injectable()
export class Journal implements OnModuleDestroy {
  private readonly logger = new Logger(Journal.name);
  private marks: Mark[] = [];
  private timer: NodeJS.Timeout | undefined;
  private marking: Promise<void> = Promise.resolve();
  private pausedUntil = 0;
  /** As the relay last measured it. */
  backlog: Readonly<Backlog> = { rows: 0, bytes: 0, oldestSeconds: 0 };

  constructor(
    private readonly database: Database,
    private readonly store: ContentStore,
    private readonly config: Config,
  ) {}

  /**
   * Writes the words of a pair that was just committed. Never throws; takes 2 s at most, and no time at all while the store is known to be
   * away. `round` is that of the pair's row in the journal: 0 for a new pair.
   */
  async deliver(pair: PairWrite, round = 0): Promise<ContentState> {
    if (this.store.table !== 'content_journal') return 'stored';
    if (Date.now() < this.pausedUntil) return 'journaled';
    // While the store is away one append a time tries it; the others see this and go on.
    if (this.pausedUntil > 0) this.pausedUntil = Date.now() + PROBE_MS;
    failpoint('journal.before_put');
    try {
      await this.store.put(pair);
    } catch (error) {
      this.pause(error);
      return 'journaled';
    }
    failpoint('journal.after_put');
    this.pausedUntil = 0;
    this.mark({ accountId: pair.accountId, chatId: pair.chatId, seq: pair.seq, version: pair.version, round });
    return 'stored';
  }

  /** @throws store_unavailable when so much waits for MongoDB that PostgreSQL must not take more; to be asked before an append. */
  assertRoom(): void {
    const { rows, bytes, oldestSeconds } = this.backlog;
    if (rows < this.config.JOURNAL_MAX_ROWS && bytes < BYTES_MAX && oldestSeconds < AGE_MAX_SECONDS) return;
    throw problems.storeUnavailable({ detail: 'Too many words wait for MongoDB to come back.', headers: { 'Retry-After': '5' } });
  }

  /** Looks how much is unsent; the relay asks for it about once a second, so that `assertRoom` costs an append nothing. */
  async measure(): Promise<void> {
    const [row] = await this.database.query<{ rows: number; bytes: number; oldest_seconds: number }>(BACKLOG, [
      this.config.JOURNAL_MAX_ROWS,
    ]);
    if (row) this.backlog = { rows: row.rows, bytes: row.bytes, oldestSeconds: row.oldest_seconds };
  }

  /** Writes down what was stored since the last time. What is lost here (a crash, PostgreSQL away) is sent once more by the relay. */
  flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    const marks = this.marks;
    this.marks = [];
    this.marking = this.marking.then(() => this.write(marks));
    return this.marking;
  }

  onModuleDestroy(): Promise<void> {
    return this.flush();
  }

  private pause(error: unknown): void {
    if (this.pausedUntil === 0) this.logger.warn({ message: 'words stay in the journal', cause: (error as Error).message });
    this.pausedUntil = Date.now() + PAUSE_MS;
  }

  private mark(mark: Mark): void {
    this.marks.push(mark);
    // One statement for all pairs of a quarter of a second instead of one for each.
    this.timer ??= setTimeout(() => void this.flush(), MARK_MS).unref();
  }

  private async write(marks: readonly Mark[]): Promise<void> {
    if (marks.length === 0) return;
    const columns = (['accountId', 'chatId', 'seq', 'version', 'round'] as const).map((field) => marks.map((mark) => mark[field]));
    try {
      await this.database.query(MARK_STORED, [...columns, this.config.JOURNAL_RETENTION_SECONDS]);
    } catch (error) {
      this.logger.debug({ message: 'stored words were not marked', cause: (error as Error).message });
    }
  }
}
