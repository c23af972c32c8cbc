import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { failpoint } from '../common/failpoint.js';
import { Config } from '../config/config.js';
import { Loop } from '../runtime/loop.js';
import { Outage } from '../runtime/outage.js';
import { ClosesAt } from '../runtime/shutdown.module.js';
import { ContentStore, type StoredPair } from './content-store.js';
import { type HeldRow, JournalRows, type HeldPairRow, placeOf } from './journal-rows.js';
import { Journal } from './journal.js';
import { inLanes } from './lanes.js';
import { Shift } from './shift.js';

const CLAIM_ROWS = 500;
/** Words of one claim in memory. */
const CLAIM_BYTES = 8 * 1024 * 1024;
/**
 * Rows in one question to the store: many, for it costs hardly more than one; not all, for it has
 * one time limit.
 */
const GROUP_ROWS = 32;
/** Questions to the store at the same time. */
const LANES = 4;
/** A killed relay's rows are taken by another after this long. */
const LEASE_SECONDS = 8;
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
  /** Whether more rows were due than a claim takes. */
  more: boolean;
}

/**
 * Brings the words from `content_journal` into MongoDB, whatever died on their way, and forgets
 * them only after two read-backs, each one retention after the step before it: a standalone MongoDB
 * may lose a write that it acknowledged when it dies (SERVER-139311). Every instance runs one. The
 * order of steps and commits is the protocol; `docs/decisions/0012-journal.md` says why each is
 * where it is. A claim costs the same number of statements however many rows it has.
 */
@Injectable()
export class Relay implements OnApplicationBootstrap {
  private readonly logger = new Logger(Relay.name);
  private readonly loop = new Loop(
    () => this.run(),
    new Outage((cause) =>
      this.logger.warn({ message: 'the relay could not reach PostgreSQL', cause }),
    ),
  );
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
    if (this.store.table === 'content_journal') this.loop.start();
  }

  @ClosesAt('loops')
  stop(): Promise<void> {
    return this.loop.stop();
  }

  /**
   * Sends all that is unsent, due or not, and makes the read-backs that are due; answers how many
   * rows are unsent still (0 unless the store is away).
   */
  async drain(): Promise<number> {
    if (this.store.table !== 'content_journal') return 0;
    for (;;) {
      await this.rows.hurry();
      const { claimed, failed } = await this.tick();
      if (claimed === 0 || failed > 0) return this.rows.countUnsent();
    }
  }

  /**
   * Takes rows that are due and does the next step of each. @throws when PostgreSQL is away; the
   * rows then come back with their leases.
   */
  async tick(): Promise<Tick> {
    const claimed = await this.rows.claim(
      this.misses > 0 ? 1 : CLAIM_ROWS,
      CLAIM_BYTES,
      LEASE_SECONDS,
    );
    if (claimed.length === 0) return { claimed: 0, failed: 0, more: false };
    const rows = await this.rows.withPairs(claimed);
    const shift = new Shift();
    shift.done.push(...withoutPair(claimed, rows));
    // Another version in `messages` means that the row has newer work since the claim; should it
    // ever not, it is tried again and again, and seen.
    shift.failed.push(...rows.filter((row) => row.version !== row.pair.version));
    const right = rows.filter((row) => row.version === row.pair.version);
    await this.sendAll(
      right.filter((row) => !row.stored),
      shift,
    );
    await this.readBackAll(
      right.filter((row) => row.stored),
      shift,
    );
    await this.rows.giveBack(shift.failed, shift.untouched);
    this.misses = shift.away ? this.misses + 1 : 0;
    return { claimed: claimed.length, failed: shift.failed.length, more: isFull(claimed) };
  }

  /** Answers how long to rest. */
  private async run(): Promise<number> {
    await this.measureNowAndThen();
    return this.pauseAfter(await this.tick());
  }

  private async measureNowAndThen(): Promise<void> {
    if (Date.now() - this.measuredAt < MEASURE_MS) return;
    await this.journal.measure();
    this.measuredAt = Date.now();
  }

  private pauseAfter({ claimed, more }: Tick): number {
    this.idleMs = claimed > 0 ? BUSY_MS : Math.min(this.idleMs * 2, IDLE_MAX_MS);
    if (this.misses > 0) return Math.min(BUSY_MS * 2 ** this.misses, AWAY_MAX_MS);
    return more ? 0 : this.idleMs;
  }

  private async sendAll(rows: readonly HeldPairRow[], shift: Shift): Promise<void> {
    await inLanes(
      LANES,
      groupsOf(rows, ({ body, attempts }) => body === null || attempts > 0),
      (group) => this.send(group, shift),
    );
    if (shift.sent.length === 0) return;
    failpoint('relay.sent');
    await this.rows.sent(shift.sent, this.config.JOURNAL_RETENTION_SECONDS);
  }

  private async send(group: readonly HeldPairRow[], shift: Shift): Promise<void> {
    if (shift.isOver || this.loop.isStopped) return void shift.untouched.push(...group);
    let failures: ReadonlyMap<string, Error>;
    try {
      failures = await this.write(group);
    } catch (error) {
      return this.fail(group, shift, error);
    }
    const failed = group.filter(({ pair }) => failures.has(pair.responseId));
    shift.sent.push(...group.filter(({ pair }) => !failures.has(pair.responseId)));
    if (failed[0]) await this.fail(failed, shift, failures.get(failed[0].pair.responseId));
  }

  private async write(group: readonly HeldPairRow[]): Promise<ReadonlyMap<string, Error>> {
    const failures = await this.store.putMany(
      group.flatMap(({ pair, body }) => (body === null ? [] : [{ ...pair, body }])),
    );
    for (const { pair, body } of group)
      if (body === null) await this.store.putBranches(pair, pair.branches, pair.branchesTotal);
    return failures;
  }

  private async readBackAll(rows: readonly HeldPairRow[], shift: Shift): Promise<void> {
    await inLanes(
      LANES,
      groupsOf(rows, ({ attempts }) => attempts > 0),
      (group) => this.readBack(group, shift),
    );
    // The commit of this comes before the writing, which is the next tick's: the other order lost
    // words (reliability, B7).
    await this.rows.lost(shift.lost);
    await this.rows.verified(shift.verified, this.config.JOURNAL_RETENTION_SECONDS);
    if (shift.verified.length > 0) failpoint('relay.verified');
    await this.rows.forget(shift.done);
    if (shift.done.length > 0) failpoint('relay.deleted');
  }

  private async readBack(group: readonly HeldPairRow[], shift: Shift): Promise<void> {
    if (shift.isOver || this.loop.isStopped) return void shift.untouched.push(...group);
    let found: ReadonlyMap<string, StoredPair>;
    try {
      found = await this.store.findAcross(group.map(({ pair }) => pair));
    } catch (error) {
      return this.fail(group, shift, error);
    }
    for (const row of group) this.judge(row, found.get(row.pair.responseId), shift);
  }

  private judge(row: HeldPairRow, stored: StoredPair | undefined, shift: Shift): void {
    const hasWords =
      stored !== undefined &&
      stored.version >= row.version &&
      stored.sha256.equals(row.pair.sha256);
    if (hasWords && mirrorsBranches(row, stored))
      return void (row.verified ? shift.done : shift.verified).push(row);
    const about = {
      account_id: row.accountId,
      chat_id: row.chatId,
      seq: row.seq,
      response_id: row.pair.responseId,
      version: row.version,
    };
    if (!hasWords && !row.hasBody) {
      // They were proved once, so this is damage from outside; nothing here can mend it, and the
      // row must not fill the journal.
      this.logger.error({
        message: 'words are in neither store: restore MongoDB from a backup, then run fsck',
        ...about,
      });
      return void shift.done.push(row);
    }
    if (!hasWords)
      this.logger.warn({
        message: 'MongoDB lost words that it had acknowledged; they are written again',
        ...about,
      });
    shift.lost.push(row);
  }

  private async fail(rows: readonly HeldPairRow[], shift: Shift, error: unknown): Promise<void> {
    if (!shift.away) shift.away = !(await this.storeAnswers());
    // Of those that met a store that is away only one was a try: the others must not wait long when
    // it is back, nor go alone.
    const tried = shift.away ? 1 : rows.length;
    shift.failed.push(...rows.slice(0, tried));
    shift.untouched.push(...rows.slice(tried));
    if (!shift.away || this.misses === 0) {
      this.logger.warn({
        message: 'the relay could not use MongoDB',
        store_is_away: shift.away,
        cause: (error as Error).message,
      });
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

const mirrorsBranches = ({ pair }: HeldPairRow, stored: StoredPair): boolean =>
  stored.branchesTotal === pair.branchesTotal &&
  stored.branches.length === pair.branches.length &&
  stored.branches.every((chatId, i) => chatId === pair.branches[i]);

const isFull = (claimed: readonly HeldRow[]): boolean =>
  claimed.length === CLAIM_ROWS ||
  claimed.reduce((sum, { bytes }) => sum + bytes, 0) >= CLAIM_BYTES;

function withoutPair(claimed: readonly HeldRow[], rows: readonly HeldPairRow[]): HeldRow[] {
  const kept = new Set(rows.map(placeOf));
  return claimed.filter((row) => !kept.has(placeOf(row)));
}

/**
 * Rows that go to the store together, those of a chat side by side. Some go alone: what failed
 * before, so that one pair that the store cannot take, or a store that is too slow for many, does
 * not hold up the others.
 */
function groupsOf(
  rows: readonly HeldPairRow[],
  goesAlone: (row: HeldPairRow) => boolean,
): HeldPairRow[][] {
  const alone = rows.filter(goesAlone).map((row) => [row]);
  const others = rows.filter((row) => !goesAlone(row)).toSorted(byPlace);
  const groups = Array.from({ length: Math.ceil(others.length / GROUP_ROWS) }, (_, i) =>
    others.slice(i * GROUP_ROWS, (i + 1) * GROUP_ROWS),
  );
  return [...groups, ...alone];
}

const byPlace = (a: HeldPairRow, b: HeldPairRow): number =>
  a.chatId === b.chatId ? a.seq - b.seq : a.chatId < b.chatId ? -1 : 1;
