import { Injectable } from '@nestjs/common';
import { Database, type Statement } from '../database/database.js';
import type { PairWrite } from './content-store.js';
import {
  CLAIM,
  COUNT_UNSENT,
  FAILED,
  FORGET,
  HURRY,
  LOST,
  PAIRS,
  SENT,
  UNTOUCHED,
  VERIFIED,
} from './journal.sql.js';

/**
 * What a relay writes and compares: the pair with its branches as PostgreSQL has them now. `sha256`
 * is that of the right words.
 */
export interface JournaledPair extends Omit<PairWrite, 'body'>, Record<string, unknown> {}

/** A row of the journal that this relay holds until its lease ends. */
export interface HeldRow extends Record<string, unknown> {
  accountId: string;
  chatId: string;
  seq: number;
  version: number;
  round: number;
  /** How often it failed since its last step. */
  attempts: number;
  /** Until when it is held, by PostgreSQL's clock; no two holders of a row ever have the same. */
  lease: string;
  /** Length of the words in the journal. */
  bytes: number;
  /** Whether the journal has the words; without them only the branches can be mirrored. */
  hasBody: boolean;
  /** The words, of unsent rows only. */
  body: string | null;
  stored: boolean;
  verified: boolean;
}

/** A held row whose pair exists. */
export interface HeldPairRow extends HeldRow {
  pair: JournaledPair;
}

/**
 * The relay's side of `content_journal`. Every step is one statement with its own commit for all
 * rows that make it, and changes only those that are still held and have no newer work.
 */
@Injectable()
export class JournalRows {
  constructor(private readonly database: Database) {}

  /**
   * Takes up to `limit` rows that are due, of `bytesMax` together, so that no other relay has them
   * for `leaseSeconds`.
   */
  claim(limit: number, bytesMax: number, leaseSeconds: number): Promise<HeldRow[]> {
    return this.database.query<HeldRow>(CLAIM, [limit, leaseSeconds, bytesMax]);
  }

  /** The rows with their pairs; left out are those whose pair is gone from PostgreSQL. */
  async withPairs(rows: readonly HeldRow[]): Promise<HeldPairRow[]> {
    if (rows.length === 0) return [];
    const keys = [
      rows.map((row) => row.accountId),
      rows.map((row) => row.chatId),
      rows.map((row) => row.seq),
    ];
    const pairs = new Map(
      (await this.database.query<JournaledPair>(PAIRS, keys)).map((pair) => [placeOf(pair), pair]),
    );
    return rows.flatMap((row) => {
      const pair = pairs.get(placeOf(row));
      return pair ? [{ ...row, pair }] : [];
    });
  }

  sent(rows: readonly HeldRow[], retentionSeconds: number): Promise<void> {
    return this.change(SENT, rows, retentionSeconds);
  }

  verified(rows: readonly HeldRow[], retentionSeconds: number): Promise<void> {
    return this.change(VERIFIED, rows, retentionSeconds);
  }

  /** Makes the rows unsent, durably. Their words may be written again only after that. */
  lost(rows: readonly HeldRow[]): Promise<void> {
    return this.change(LOST, rows);
  }

  forget(rows: readonly HeldRow[]): Promise<void> {
    return this.change(FORGET, rows);
  }

  async giveBack(failed: readonly HeldRow[], untouched: readonly HeldRow[]): Promise<void> {
    await this.change(FAILED, failed);
    await this.change(UNTOUCHED, untouched);
  }

  async hurry(): Promise<void> {
    await this.database.query(HURRY, []);
  }

  async countUnsent(): Promise<number> {
    const [row] = await this.database.query<{ rows: number }>(COUNT_UNSENT, []);
    return row?.rows ?? 0;
  }

  private async change(
    statement: Statement,
    rows: readonly HeldRow[],
    ...more: unknown[]
  ): Promise<void> {
    if (rows.length === 0) return;
    await this.database.query(statement, [
      ...HELD_BY.map((field) => rows.map((row) => row[field])),
      ...more,
    ]);
  }
}

/** What tells a held row from every other state of it, in the order of the statements. */
const HELD_BY = ['accountId', 'chatId', 'seq', 'round', 'version', 'lease'] as const;

/** Names the place of a row, or of a pair. */
export const placeOf = ({
  accountId,
  chatId,
  seq,
}: Pick<HeldRow, 'accountId' | 'chatId' | 'seq'>): string => `${accountId}:${chatId}:${seq}`;
