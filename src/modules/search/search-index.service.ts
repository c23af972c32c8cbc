import { setImmediate as nextTurn } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import { ContentStore, type StoredPair } from '../../content/content-store.js';
import { Database, type Statement } from '../../database/database.js';
import { Loop } from '../../runtime/loop.js';
import { Outage } from '../../runtime/outage.js';
import { ClosesAt } from '../../runtime/shutdown.module.js';
import { refOf } from '../chat/path.service.js';
import { FORGET, ORDER, readStatement, type UnfoundRow, WRITE } from './search-index.sql.js';
import { textsOf } from './search-text.js';
import { Vectors } from './search-vector.js';

/** A pair, and whose it is. */
export type PairName = readonly [accountId: string, responseId: string];

/** A pair with its words as they were at that version. */
export interface PairWords {
  accountId: string;
  rootChatId: string;
  responseId: string;
  version: number;
  body: string;
}

/** Pairs whose words are in memory at once. */
const PAIRS = 100;

/** Words and a part of the event loop's turn: so many characters, then others come to theirs. */
const TURN_CHARS = 64 * 1024;

/**
 * What was written waits so long to be put in order: that is cheaper for many pairs at once, and
 * dearer for each who searches meanwhile.
 */
const ORDER_MS = 2000;

/** Writes what pairs are found by, from their words as they are now. */
@Injectable()
export class SearchIndex {
  private readonly readPairs: Statement;
  private readonly order = new Loop(
    async () => void (await this.database.query(ORDER, [])),
    new Outage((cause) =>
      new Logger('Search').warn({ message: 'searches take longer than usual', cause }),
    ),
    { gatherMs: ORDER_MS },
  );

  constructor(
    private readonly database: Database,
    private readonly content: ContentStore,
  ) {
    this.readPairs = readStatement(content.table);
  }

  @ClosesAt('loops')
  stop(): Promise<void> {
    return this.order.stop();
  }

  /**
   * Makes those of these pairs that are behind be found by their words of now. Answers those that
   * have to be tried again: somebody is changing them, or their words cannot be read.
   * @throws when a store is away
   */
  async bring(pairs: readonly PairName[]): Promise<PairName[]> {
    const late: PairName[] = [];
    const each = [...new Map(pairs.map((pair) => [pair[1], pair])).values()];
    for (let from = 0; from < each.length; from += PAIRS)
      late.push(...(await this.bringSome(each.slice(from, from + PAIRS))));
    return late;
  }

  /** The same of pairs whose words are at hand: nothing is read. */
  async put(pairs: readonly PairWords[]): Promise<PairName[]> {
    const late: PairName[] = [];
    for (let from = 0; from < pairs.length; from += PAIRS) {
      const some = pairs.slice(from, from + PAIRS);
      const written = await this.write(some);
      for (const { accountId, responseId } of some)
        if (!written.has(responseId)) late.push([accountId, responseId]);
    }
    return late;
  }

  private async bringSome(pairs: readonly PairName[]): Promise<PairName[]> {
    const rows = await this.database.query<UnfoundRow>(this.readPairs, columnsOf(pairs));
    const isGone = ({ status }: UnfoundRow): boolean => status === 'redacted';
    const gone = rows.filter(isGone);
    if (gone.length > 0) await this.database.query(FORGET, columnsOf(gone.map(keyOf)));
    const left = rows.filter((row) => !isGone(row));
    if (left.length === 0) return [];
    const written = await this.write(await this.withWords(left));
    return left.map(keyOf).filter(([, id]) => !written.has(id));
  }

  /** Those of them whose words can be read. */
  private async withWords(rows: readonly UnfoundRow[]): Promise<PairWords[]> {
    const elsewhere = rows.filter(({ body }) => body === null);
    const stored = await this.content.findAcross(
      elsewhere.map((row) => refOf(row.account_id, row)),
    );
    return rows.flatMap((row) => {
      const body = row.body ?? bodyOf(row, stored.get(row.response_id));
      const { account_id: accountId, root_chat_id: rootChatId, response_id: responseId } = row;
      return body === null
        ? []
        : [{ accountId, rootChatId, responseId, version: row.version, body }];
    });
  }

  private async write(pairs: readonly PairWords[]): Promise<Set<string>> {
    if (pairs.length === 0) return new Set();
    const vectors = new Vectors();
    let chars = 0;
    for (const { accountId, rootChatId, body } of pairs) {
      vectors.add(accountId, rootChatId, textsOf(body));
      chars += body.length;
      if (chars > TURN_CHARS) chars = await nextTurn(0);
    }
    const found = await this.database.query<{ response_id: string }>(WRITE, [
      pairs.map(({ accountId }) => accountId),
      pairs.map(({ responseId }) => responseId),
      pairs.map(({ version }) => version),
      vectors.toBuffer(),
    ]);
    if (found.length > 0) this.order.wake();
    return new Set(found.map(({ response_id: id }) => id));
  }
}

/** The words that PostgreSQL knows by version and hash, or none. */
export const bodyOf = (
  { version, sha256 }: { version: number; sha256: Buffer | null },
  stored: StoredPair | undefined,
): string | null =>
  stored?.version === version && sha256 && stored.sha256.equals(sha256) ? stored.body : null;

const keyOf = ({ account_id, response_id }: UnfoundRow): PairName => [account_id, response_id];

const columnsOf = (pairs: readonly PairName[]): unknown[][] => [
  pairs.map(([account]) => account),
  pairs.map(([, pair]) => pair),
];
