import { Injectable, Logger } from '@nestjs/common';
import { problems } from '../../common/problems.js';
import { Config } from '../../config/config.js';
import { wordsOf } from '../../content/body.js';
import { ContentStore } from '../../content/content-store.js';
import { REDACTED_BODY } from '../../content/places.js';
import { Database, type Statement } from '../../database/database.js';
import type { CountedPair } from '../../llm/context-window.js';
import type { ToldPair } from '../../llm/telling.js';
import { PathService, twice } from '../chat/path.service.js';
import {
  type ContextBlock,
  type ContextRow,
  contextRowsOf,
  contextStatement,
  KEEP_TOKENS,
} from './context.sql.js';
import { type ReadPair, RecentWords, WordsRange } from './recent-words.js';

/** An earlier pair, and where its count is kept. */
export interface EarlierPair extends CountedPair, Pick<ContextRow, 'chat_id' | 'seq' | 'version'> {}

/** What comes before a pair. */
export interface PathBefore {
  /** Oldest first. */
  earlier: EarlierPair[];
  /** Whether the path has more of them. */
  isCut: boolean;
}

/** A pair that others come before on its path. */
export interface PathEnd {
  accountId: string;
  /** The owner. */
  chatId: string;
  seq: number;
}

/** The pairs before a question on its path, and what is known of their tokens. */
@Injectable()
export class EarlierPairs {
  private readonly logger = new Logger('Answers');
  private readonly statement: Statement;
  private readonly recent: RecentWords;

  constructor(
    private readonly database: Database,
    private readonly paths: PathService,
    content: ContentStore,
    { CACHE_MAX_MB }: Config,
  ) {
    this.statement = contextStatement(content.table);
    this.recent = new RecentWords((CACHE_MAX_MB * 1024 * 1024) / 2);
  }

  /**
   * By one statement to PostgreSQL (two where words changed that are in memory) and at most one
   * query to MongoDB, whatever the length of the chat: all that the window has room for, and maybe
   * some more.
   * @param room tokens that question and earlier pairs may have together
   * @throws message_not_found, content_unavailable
   */
  async before(end: PathEnd, room: number): Promise<PathBefore> {
    if (end.seq === 1) return { earlier: [], isCut: false };
    return twice(() => this.attempt(end, room, this.recent.of(end.accountId, end.chatId)));
  }

  /** One look; null when the store has newer words than PostgreSQL said. */
  private async attempt(end: PathEnd, room: number, known: WordsRange): Promise<PathBefore | null> {
    const { accountId, chatId, seq } = end;
    const values = [accountId, chatId, seq, room, known.from, known.to];
    const rows = contextRowsOf(await this.database.query<ContextBlock>(this.statement, values));
    if (rows.at(-1)?.seq !== seq) throw problems.messageNotFound();
    const found = rows.map((row) => known.find(row));
    const unread = rows.filter((_, at) => !found[at]);
    // They are others by now, and the statement has left them out.
    if (unread.some((row) => known.covers(row.seq)))
      return this.attempt(end, room, new WordsRange());
    const bodies = await this.paths.bodiesOf(accountId, rows[0]!.root_chat_id, unread);
    if (!bodies) return null;
    let next = 0;
    const pairs = rows.slice(0, -1).map((row, at) => found[at] ?? readPair(row, bodies[next++]!));
    this.recent.keep(accountId, chatId, pairs);
    const earlier = pairs.flatMap((pair, at) => earlierPairs(rows[at]!, pair));
    return { earlier, isCut: rows[0]!.seq > 1 };
  }

  /** Keeps what was counted. Never throws: what is lost is counted again. */
  async remember(accountId: string, counted: ReadonlyMap<EarlierPair, number>): Promise<void> {
    if (counted.size === 0) return;
    const pairs = [...counted.keys()];
    const columns = (['chat_id', 'seq', 'version'] as const).map((field) =>
      pairs.map((pair) => pair[field]),
    );
    try {
      await this.database.query(KEEP_TOKENS, [accountId, ...columns, [...counted.values()]]);
    } catch (error) {
      this.logger.debug({ message: 'tokens are counted again', cause: (error as Error).message });
    }
  }
}

/** None where the words are erased. A literal, as in `path.service.ts`: a spread is dear. */
const earlierPairs = (row: ContextRow, { sides }: ReadPair): EarlierPair[] =>
  sides
    ? [
        {
          chat_id: row.chat_id,
          seq: row.seq,
          version: row.version,
          tokens: row.tokens,
          status: row.status,
          model: row.model,
          author: row.author,
          errorCode: row.error_code,
          question: sides.question,
          response: sides.response,
          question_parts: sides.question_parts,
          response_parts: sides.response_parts,
        },
      ]
    : [];

const readPair = (row: ContextRow, body: string): ReadPair => ({
  chat_id: row.chat_id,
  chat_created_at: row.chat_created_at,
  seq: row.seq,
  version: row.version,
  length: body.length,
  sides: body === REDACTED_BODY ? null : sidesOf(body),
});

/** Both sides of a body; inputs and outputs of tools keep the digits of their numbers. */
export function sidesOf(body: string): ToldPair {
  const { question, response, question_parts, response_parts } = wordsOf(body);
  return { question, response, question_parts, response_parts };
}
