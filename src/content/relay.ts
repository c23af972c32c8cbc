import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { failpoint } from '../common/failpoint.js';
import { Config } from '../config/config.js';
import { ContentStore, type StoredPair } from './content-store.js';
import { type HeldRow, JournalRows, type PairRow } from './journal-rows.js';
import { Journal } from './journal.js';
import { inLanes } from './lanes.js';

const CLAIM_ROWS = 100;
/** Writes to the store at the same time; each takes a connection of PostgreSQL for its commit, of which requests need most. */
const LANES = 4;
/** A killed relay's rows are taken by another after this long. */
const LEASE_SECONDS = 8;
/** No row is begun later than this after its claim, so that the slowest (two time limits of the store) ends before the lease. */
const SHIFT_MS = 3000;
const BUSY_MS = 200;
const IDLE_MAX_MS = 1000;
/** While the store is away: a single row is tried now and then. */
const AWAY_MAX_MS = 2000;
const MEASURE_MS = 1000;

/** What became of one claim. */
export interface Tick {
  claimed: number;
  /** Rows that could not be done; they come back later and later. */
  failed: number;
}

/** The rows that one claim could not finish. */
class Shift {
  readonly failed: HeldRow[] = [];
  readonly untouched: HeldRow[] = [];
  /** The store does not answer at all: to try the other rows would cost a time limit each. */
  away = false;
  private readonly endsAt = Date.now() + SHIFT_MS;

  get isOver(): boolean {
    return this.away || Date.now() > this.endsAt;
  }
}

/**
 * Brings the words from `content_journal` into MongoDB, whatever died on their way, and forgets them only after two read-backs, each one
 * retention after the step before it: a standalone MongoDB may lose a write that it acknowledged when it dies (SERVER-139311). Every
 * instance runs one. The order of steps and commits is the protocol; `docs/decisions/journal.md` says why each is where it is.
 */
@Injectable()
export class Relay implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger(Relay.name);
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> = Promise.resolve();
  private stopping = false;
  private idleMs = BUSY_MS;
  /** Ticks in a row that found the store away. */
  private misses = 0;
  private measuredAt = 0;

  constructor(
    private readonly rows: JournalRows,
    private readonly store: ContentStore,
    private readonly journal: Journal,
    private readonly config: Config,
  ) {}

  onApplicationBootstrap(): void {
    if (this.store.table === 'content_journal') this.schedule(0);
  }

  async onModuleDestroy(): Promise<void> {
    this.stopping = true;
    clearTimeout(this.timer);
    await this.running;
  }

  /** Sends all that is unsent, due or not, and makes the read-backs that are due; answers how many rows are unsent still (0 unless the store is away). */
  async drain(): Promise<number> {
    if (this.store.table !== 'content_journal') return 0;
    for (;;) {
      await this.rows.hurry();
      const { claimed, failed } = await this.tick();
      if (claimed === 0 || failed > 0) return this.rows.countUnsent();
    }
  }

  /** Takes rows that are due and does the next step of each. @throws when PostgreSQL is away; the rows then come back with their leases. */
  async tick(): Promise<Tick> {
    const claimed = await this.rows.claim(this.misses > 0 ? 1 : CLAIM_ROWS, LEASE_SECONDS);
    if (claimed.length === 0) return { claimed: 0, failed: 0 };
    const rows = await this.rows.withPairs(claimed);
    const shift = new Shift();
    await this.forgetWithoutPair(claimed, rows);
    // Another version in `messages` means that the row has newer work since the claim; should it ever not, it is tried again and again, and seen.
    shift.failed.push(...rows.filter((row) => row.version !== row.pair.version));
    const right = rows.filter((row) => row.version === row.pair.version);
    await inLanes(
      LANES,
      right.filter((row) => !row.stored),
      (row) => this.send(row, shift),
    );
    await inLanes(LANES, byConversation(right.filter((row) => row.stored)), (group) => this.readBack(group, shift));
    await this.rows.giveBack(shift.failed, shift.untouched);
    this.misses = shift.away ? this.misses + 1 : 0;
    return { claimed: claimed.length, failed: shift.failed.length };
  }

  private schedule(ms: number): void {
    if (this.stopping) return;
    this.timer = setTimeout(() => {
      this.running = this.run();
    }, ms).unref();
  }

  private async run(): Promise<void> {
    let pauseMs = IDLE_MAX_MS;
    try {
      await this.measureNowAndThen();
      pauseMs = this.pauseAfter(await this.tick());
    } catch (error) {
      this.logger.warn({ message: 'the relay could not reach PostgreSQL', cause: (error as Error).message });
    }
    this.schedule(pauseMs);
  }

  private async measureNowAndThen(): Promise<void> {
    if (Date.now() - this.measuredAt < MEASURE_MS) return;
    await this.journal.measure();
    this.measuredAt = Date.now();
  }

  private pauseAfter({ claimed }: Tick): number {
    this.idleMs = claimed > 0 ? BUSY_MS : Math.min(this.idleMs * 2, IDLE_MAX_MS);
    if (this.misses > 0) return Math.min(BUSY_MS * 2 ** this.misses, AWAY_MAX_MS);
    return claimed === CLAIM_ROWS ? 0 : this.idleMs;
  }

  private async forgetWithoutPair(claimed: readonly HeldRow[], rows: readonly PairRow[]): Promise<void> {
    if (rows.length === claimed.length) return;
    const kept = new Set(rows.map(({ accountId, chatId, seq }) => `${accountId}:${chatId}:${seq}`));
    for (const row of claimed) if (!kept.has(`${row.accountId}:${row.chatId}:${row.seq}`)) await this.rows.forget(row);
  }

  private async send(row: PairRow, shift: Shift): Promise<void> {
    if (shift.isOver || this.stopping) return void shift.untouched.push(row);
    const { pair, body } = row;
    try {
      if (body === null) await this.store.putBranches(pair, pair.branches, pair.branchesTotal);
      else await this.store.put({ ...pair, body });
    } catch (error) {
      return this.fail([row], shift, error);
    }
    failpoint('relay.sent');
    await this.rows.sent(row, this.config.JOURNAL_RETENTION_SECONDS);
  }

  private async readBack(group: readonly PairRow[], shift: Shift): Promise<void> {
    const [first] = group;
    if (!first) return;
    if (shift.isOver || this.stopping) return void shift.untouched.push(...group);
    let found: Map<string, StoredPair>;
    try {
      found = await this.store.findMany(
        first.accountId,
        first.pair.rootChatId,
        group.map((row) => row.pair),
      );
    } catch (error) {
      return this.fail(group, shift, error);
    }
    for (const row of group) await this.judge(row, found.get(row.pair.responseId));
  }

  private async judge(row: PairRow, stored: StoredPair | undefined): Promise<void> {
    const hasWords = stored !== undefined && stored.version >= row.version && stored.sha256.equals(row.pair.sha256);
    if (hasWords && mirrorsBranches(row, stored)) return this.confirm(row);
    const about = { account_id: row.accountId, chat_id: row.chatId, seq: row.seq, response_id: row.pair.responseId, version: row.version };
    if (!hasWords && !row.hasBody) {
      // They were proved once, so this is damage from outside; nothing here can mend it, and the row must not fill the journal.
      this.logger.error({ message: 'words are in neither store: restore MongoDB from a backup, then run fsck', ...about });
      return this.rows.forget(row);
    }
    if (!hasWords) this.logger.warn({ message: 'MongoDB lost words that it had acknowledged; they are written again', ...about });
    // The commit of this comes before the writing, which is the next tick's: the other order lost words (reliability, B7).
    return this.rows.lost(row);
  }

  private async confirm(row: PairRow): Promise<void> {
    if (row.verified) {
      await this.rows.forget(row);
      failpoint('relay.deleted');
    } else {
      await this.rows.verified(row, this.config.JOURNAL_RETENTION_SECONDS);
      failpoint('relay.verified');
    }
  }

  private async fail(rows: readonly PairRow[], shift: Shift, error: unknown): Promise<void> {
    shift.failed.push(...rows);
    if (!shift.away) shift.away = !(await this.storeAnswers());
    if (!shift.away || this.misses === 0) {
      this.logger.warn({ message: 'the relay could not use MongoDB', store_is_away: shift.away, cause: (error as Error).message });
    }
  }

  private async storeAnswers(): Promise<boolean> {
    try {
      await this.store.ping();
      return true;
    } catch {
      return false;
    }
  }
}

const mirrorsBranches = ({ pair }: PairRow, stored: StoredPair): boolean =>
  stored.branchesTotal === pair.branchesTotal &&
  stored.branches.length === pair.branches.length &&
  stored.branches.every((chatId, i) => chatId === pair.branches[i]);

/** One query to the store serves all pairs of a conversation. */
function byConversation(rows: readonly PairRow[]): PairRow[][] {
  const groups = new Map<string, PairRow[]>();
  for (const row of rows) {
    const key = `${row.accountId}:${row.pair.rootChatId}`;
    const group = groups.get(key);
    if (group) group.push(row);
    else groups.set(key, [row]);
  }
  return [...groups.values()];
}
