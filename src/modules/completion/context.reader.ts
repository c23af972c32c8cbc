import { Injectable, Logger } from '@nestjs/common';
import { problems } from '../../common/problems.js';
import { wordsOf } from '../../content/body.js';
import { ContentStore } from '../../content/content-store.js';
import { Database, type Statement } from '../../database/database.js';
import type { CountedExchange } from '../../llm/context-window.js';
import { PathService, twice } from '../chat/path.service.js';
import { type ContextRow, contextStatement, KEEP_TOKENS } from './context.sql.js';
import type { BegunAnswer } from './running-generation.js';

/** An earlier pair, and where its count is kept. */
export interface EarlierPair extends CountedExchange, Pick<ContextRow, 'chat_id' | 'seq' | 'version'> {}

/** What a question stands behind: one statement to PostgreSQL and at most one query to MongoDB, whatever the length of the chat. */
@Injectable()
export class ContextReader {
  private readonly logger = new Logger('Answers');
  private readonly statement: Statement;

  constructor(
    private readonly database: Database,
    private readonly paths: PathService,
    content: ContentStore,
  ) {
    this.statement = contextStatement(content.table);
  }

  /**
   * The pairs before a question, oldest first: all that the window has room for, and maybe some more.
   * @param room tokens that question and earlier pairs may have together @throws message_not_found, content_unavailable
   */
  async before({ accountId, chatId, seq }: BegunAnswer, room: number): Promise<EarlierPair[]> {
    return twice(async () => {
      const rows = await this.database.query<ContextRow>(this.statement, [accountId, chatId, seq, room]);
      if (rows.at(-1)?.seq !== seq) throw problems.messageNotFound();
      const bodies = await this.paths.bodiesOf(accountId, rows[0]!.root_chat_id, rows);
      if (!bodies) return null;
      return rows.slice(0, -1).map((row, at) => earlierPair(row, bodies[at]!));
    });
  }

  /** Keeps what was counted. Never throws: what is lost is counted again. */
  async remember(accountId: string, counted: ReadonlyMap<EarlierPair, number>): Promise<void> {
    if (counted.size === 0) return;
    const pairs = [...counted.keys()];
    const columns = (['chat_id', 'seq', 'version'] as const).map((field) => pairs.map((pair) => pair[field]));
    try {
      await this.database.query(KEEP_TOKENS, [accountId, ...columns, [...counted.values()]]);
    } catch (error) {
      this.logger.debug({ message: 'tokens are counted again', cause: (error as Error).message });
    }
  }
}

function earlierPair({ chat_id, seq, version, tokens }: ContextRow, body: string): EarlierPair {
  const { question, response } = wordsOf(body);
  return { chat_id, seq, version, tokens, question, response };
}
