import { Injectable, Logger } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { atMost } from '../../common/at-most.js';
import { FIRST_UUID } from '../../common/ids.js';
import { Database } from '../../database/database.js';
import { Loop } from '../../runtime/loop.js';
import { Outage } from '../../runtime/outage.js';
import { ClosesAt } from '../../runtime/shutdown.module.js';
import {
  type AccountRow,
  type BehindRow,
  NEXT_ACCOUNTS,
  NEXT_PART,
  OPEN_BEHIND,
  type PartRow,
  type WalkRow,
  WALKED,
  WALKED_TO,
} from './search-index.sql.js';
import { type PairName, SearchIndex } from './search-index.service.js';

/**
 * Ids are made before their pairs are committed, by clocks that may differ: what is younger than
 * this is looked at again by the next walk.
 */
const UNSURE_MS = 600_000;
/** No account is walked through more often by an instance, however often it is searched. */
const WALK_MS = 60_000;
const PART = 1000;
const ACCOUNTS = 1000;

/**
 * Finds pairs that cannot be found: those that were there before the index was or when PostgreSQL
 * crashed, and those of instances that died before they had made their last ones findable. It
 * compares pairs with what they are found by, and keeps for each account how far it came
 * (`search_accounts`), so it loses nothing whenever it is cut off. The work is done when it is
 * wanted: for an account that is searched, and now and then for all.
 */
@Injectable()
export class SearchWalks {
  private readonly wanted = new Set<string>();
  /** Accounts that were walked through a short while ago. */
  private readonly done = new LRUCache<string, true>({ ...atMost(10_000), ttl: WALK_MS });
  private readonly loop = new Loop(
    () => this.walkWanted(),
    new Outage((cause) =>
      new Logger('Search').warn({ message: 'old pairs are looked for later', cause }),
    ),
  );

  constructor(
    private readonly database: Database,
    private readonly index: SearchIndex,
  ) {}

  @ClosesAt('loops')
  stop(): Promise<void> {
    return this.loop.stop();
  }

  /** Has the account walked through, beside whatever is going on. Returns at once. */
  ask(accountId: string): void {
    this.wanted.add(accountId);
    this.loop.wake();
  }

  /** For an account that is searched: `ask`, if that was not done a short while ago. */
  visit(accountId: string): void {
    if (!this.done.has(accountId)) this.ask(accountId);
  }

  /**
   * Walks through all accounts that have pairs behind where their last walk ended, until `isOver`.
   * Answers how many pairs were made findable.
   */
  async walkAll(isOver: () => boolean): Promise<number> {
    let found = 0;
    for (let after: string | undefined = FIRST_UUID; after && !isOver();) {
      const accounts: AccountRow[] = await this.database.query(NEXT_ACCOUNTS, [after, ACCOUNTS]);
      for (const { account_id: id, has_more } of accounts)
        if (has_more && !isOver()) found += await this.walk(id, isOver);
      after = accounts.at(-1)?.account_id;
    }
    return found;
  }

  private async walkWanted(): Promise<void> {
    for (const accountId of this.wanted) {
      if (this.loop.isStopped) return;
      await this.walk(accountId, () => this.loop.isStopped);
      this.wanted.delete(accountId);
      this.done.set(accountId, true);
    }
  }

  /** Answers how many pairs were made findable. @throws when a store is away */
  private async walk(accountId: string, isOver: () => boolean): Promise<number> {
    const sure = idAt(Date.now() - UNSURE_MS);
    const open = await this.database.query<BehindRow>(OPEN_BEHIND, [accountId]);
    let late = await this.index.bring(keysOf(accountId, open));
    let found = open.length;
    const [place] = await this.database.query<WalkRow>(WALKED_TO, [accountId]);
    for (let after: string | null = place?.walked_to ?? null; after !== null && !isOver();) {
      const parts: PartRow[] = await this.database.query(NEXT_PART, [accountId, after, PART]);
      const { last, behind }: PartRow = parts[0]!;
      late = late.concat(await this.index.bring(behind.map((id): PairName => [accountId, id])));
      found += behind.length;
      // Behind a pair that is still to come nothing is done.
      if (last !== null && late.length === 0)
        await this.database.query(WALKED, [accountId, last < sure ? last : sure, place!.row_id]);
      after = last;
    }
    return found;
  }
}

/** The least id of a time, in milliseconds since 1970. */
export const idAt = (ms: number): string => {
  const hex = Math.max(0, ms).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`;
};

const keysOf = (accountId: string, rows: readonly BehindRow[]): PairName[] =>
  rows.map(({ response_id: id }): PairName => [accountId, id]);
