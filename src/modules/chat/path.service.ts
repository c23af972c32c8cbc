import { Injectable } from '@nestjs/common';
import { problems } from '../../common/problems.js';
import { ContentStore, type PairRef, type StoredPair } from '../../content/content-store.js';
import { NULLABLE_COLUMNS, type NullableField } from '../../content/pair.columns.js';
import { Database, type Statement } from '../../database/database.js';
import { Together } from '../../runtime/together.js';
import type { Pair } from './pair.js';
import {
  type Anchor,
  pageStatements,
  type PairRow,
  pairStatement,
  type PathRow,
  placeFactsOf,
  type PlainPairRow,
  plainPairsStatement,
  rowsOf,
  SEQ_MAX,
  type Sibling,
  type StretchRow,
} from './path.sql.js';

/** A stretch of a path, in order. */
export interface PathPage {
  rootChatId: string;
  /** What clients know the chat's state by; see `Conversation.revision`. */
  revision: number;
  /** What they know its tree's state by. */
  eventSeq: number;
  /** Length of the whole path. */
  lastSeq: number;
  pairs: Pair[];
}

/**
 * A row that names a pair, with its words where PostgreSQL has them, or the hash by which they are
 * known elsewhere.
 */
export interface WordsRow {
  root_chat_id: string;
  response_id: string;
  chat_id: string;
  fork_seq: number;
  seq: number;
  version: number;
  sha256: Buffer | null;
  body: string | null;
}

/** One pair among the other continuations of its place. */
export interface PairInTree {
  pair: Pair;
  /** In the order of their making, the pair itself included. */
  siblings: Sibling[];
  eventSeq: number;
}

type PairKey = [accountId: string, chatId: string, responseId: string];
/**
 * How many pairs are looked up together: PostgreSQL finds the next ones while these are answered.
 */
const TOGETHER_MAX = 8;

const NEWEST: Anchor = { before: SEQ_MAX };

/**
 * Reads the paths of chats: at most one statement to PostgreSQL and one query to MongoDB, whatever
 * the length and nesting.
 */
@Injectable()
export class PathService {
  private readonly statements: Record<
    'before' | 'after' | 'around' | 'pair' | 'plainPairs',
    Statement
  >;

  private readonly plainPairs = new Together<PairKey, PairRow>(TOGETHER_MAX, (asked) =>
    this.findPlain(asked),
  );

  constructor(
    private readonly database: Database,
    private readonly content: ContentStore,
  ) {
    const { table } = content;
    this.statements = {
      ...pageStatements(table),
      pair: pairStatement(table),
      plainPairs: plainPairsStatement(table),
    };
  }

  /**
   * At most `limit` pairs beside the anchor, oldest first; the newest ones when nothing is said.
   * @throws chat_not_found; message_not_found when the pair of `around` is not on this path;
   * content_unavailable, never a shorter page.
   */
  async page(
    accountId: string,
    chatId: string,
    limit: number,
    anchor: Anchor = NEWEST,
  ): Promise<PathPage> {
    return twice(() => this.attempt(accountId, chatId, limit, anchor));
  }

  /** One look; null when the store has newer words than PostgreSQL said. */
  private async attempt(
    accountId: string,
    chatId: string,
    limit: number,
    anchor: Anchor,
  ): Promise<PathPage | null> {
    const [kind, value] = Object.entries(anchor)[0] as [
      'before' | 'after' | 'around',
      number | string,
    ];
    const stretches = await this.database.query<StretchRow>(this.statements[kind], [
      accountId,
      chatId,
      limit,
      value,
    ]);
    if (stretches.length === 0) throw await this.missing(accountId, chatId);
    const { rootChatId, lastSeq, revision, eventSeq } = placeFactsOf(stretches[0]!.place);
    const rows = rowsOf(stretches);
    if (kind === 'around' && !rows.some(({ response_id }) => response_id === value))
      throw problems.messageNotFound();
    const pairs = await this.withWords(accountId, rootChatId, rows);
    return pairs && { rootChatId, lastSeq, revision, eventSeq, pairs };
  }

  /** One pair of the path. @throws like `page`. */
  async pair(accountId: string, chatId: string, responseId: string): Promise<Pair> {
    const { pairs } = await this.page(accountId, chatId, 1, { around: responseId });
    return pairs[0]!;
  }

  /** One pair of the path, with its siblings. @throws like `page`. */
  async pairInTree(accountId: string, chatId: string, responseId: string): Promise<PairInTree> {
    return twice(async () => {
      const row = await this.pairRow(accountId, chatId, responseId);
      const { rootChatId, eventSeq } = placeFactsOf(row.place);
      const pair = (await this.withWords(accountId, rootChatId, rowsOf([row])))?.[0];
      return pair ? { pair, siblings: row.siblings ?? [alone(pair)], eventSeq } : null;
    });
  }

  private async pairRow(...key: PairKey): Promise<PairRow> {
    const plain = await this.plainPairs.ask(key);
    if (plain) return plain;
    const [row] = await this.database.query<PairRow>(this.statements.pair, key);
    if (row) return row;
    throw await this.missing(key[0], key[1]);
  }

  private async findPlain(asked: readonly PairKey[]): Promise<Map<number, PairRow>> {
    const columns = ([0, 1, 2] as const).map((at) => asked.map((key) => key[at]));
    const rows = await this.database.query<PlainPairRow>(this.statements.plainPairs, columns);
    return new Map(rows.map((row) => [row.nth, row]));
  }

  /** An `around` page without rows: is it the chat that is missing, or the pair? */
  private async missing(accountId: string, chatId: string): Promise<Error> {
    const { before } = this.statements;
    const page = await this.database.query<StretchRow>(before, [accountId, chatId, 1, 1]);
    return page.length === 0 ? problems.chatNotFound() : problems.messageNotFound();
  }

  /**
   * The words of some rows of one conversation (null: of several), in their order: from the rows,
   * else from the store, and none that PostgreSQL does not know by version and hash. Null when the
   * store has newer ones: then the rows are to be read again. @throws content_unavailable
   */
  async bodiesOf(
    accountId: string,
    rootChatId: string | null,
    rows: readonly WordsRow[],
  ): Promise<string[] | null> {
    const elsewhere = rows
      .filter(({ body, response_id: id }) => body === null && id !== '')
      .map((row) => refOf(accountId, row));
    const stored = elsewhere.length > 0 ? await this.fetch(accountId, rootChatId, elsewhere) : null;
    if (rows.some((row) => (stored?.get(row.response_id)?.version ?? 0) > row.version)) return null;
    return rows.map((row) => row.body ?? checkedBody(row, stored?.get(row.response_id)));
  }

  private async withWords(
    accountId: string,
    rootChatId: string,
    rows: readonly PathRow[],
  ): Promise<Pair[] | null> {
    const bodies = await this.bodiesOf(accountId, rootChatId, rows);
    return bodies && rows.map((row, at) => pairOf(row, bodies[at]!));
  }

  private async fetch(
    accountId: string,
    rootChatId: string | null,
    refs: PairRef[],
  ): Promise<Map<string, StoredPair>> {
    try {
      return await (rootChatId === null
        ? this.content.findAcross(refs)
        : this.content.findMany(accountId, rootChatId, refs));
    } catch (error) {
      throw contentUnavailable(error instanceof Error ? error.message : String(error));
    }
  }
}

/**
 * Words that are newer than the rows were written between the two reads (null); a second look sees
 * both as new.
 */
export async function twice<Result>(look: () => Promise<Result | null>): Promise<Result> {
  const seen = (await look()) ?? (await look());
  if (seen === null) throw contentUnavailable('words change faster than they are read');
  return seen;
}

/**
 * Half a message is never served: the words are those that PostgreSQL knows by version and hash, or
 * none.
 */
function checkedBody(row: WordsRow, stored: StoredPair | undefined): string {
  if (stored?.version === row.version && row.sha256 !== null && stored.sha256.equals(row.sha256))
    return stored.body;
  throw contentUnavailable(
    `pair ${row.response_id} version ${row.version}: stored version ${stored?.version ?? 'none'}`,
  );
}

const contentUnavailable = (cause: string): Error =>
  Object.assign(problems.contentUnavailable({ headers: { 'retry-after': '2' } }), { cause });

/** What a content store knows the pair of a row by. */
export const refOf = (accountId: string, row: Omit<WordsRow, 'sha256' | 'body'>): PairRef => ({
  accountId,
  rootChatId: row.root_chat_id,
  chatId: row.chat_id,
  forkSeq: row.fork_seq,
  responseId: row.response_id,
  seq: row.seq,
  version: row.version,
});

/** A literal that is filled up: one with a spread in it is a hundred times as dear. */
function pairOf(row: PathRow, body: string): Pair {
  const pair: Omit<Pair, NullableField> & Record<string, unknown> = {
    responseId: row.response_id,
    chatId: row.chat_id,
    seq: row.seq,
    version: row.version,
    messageType: row.message_type,
    status: row.status,
    createdAt: row.created_at,
    body,
    branches: row.branches,
    branchesTotal: row.branches_total,
  };
  NULLABLE_COLUMNS.forEach(([field], at) => (pair[field] = row.told[at] ?? null));
  return pair as unknown as Pair;
}

/** The only continuation of its place. */
const alone = ({ chatId, responseId, seq }: Pair): Sibling => ({
  chat_id: chatId,
  response_id: responseId,
  seq,
  active: true,
});
