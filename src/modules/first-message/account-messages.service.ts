import { Injectable } from '@nestjs/common';
import { decodeCursor, encodeCursor } from '../../common/cursor.js';
import { FIRST_UUID } from '../../common/ids.js';
import { wordsOf } from '../../content/body.js';
import { ContentStore } from '../../content/content-store.js';
import { Database, type Statement } from '../../database/database.js';
import { PathService, twice } from '../chat/path.service.js';
import { type AccountPairRow, accountPairs } from './account-messages.sql.js';
import { ChatNumbersService } from './chat-numbers.service.js';
import { messagesOf } from './numbered-message.js';
import type { MessagesPage } from './numbered-messages.service.js';

const SCOPE = 'messages';
const ID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';
/** The last message that was shown: a pair, or its response. */
const PLACE = new RegExp(`^${ID}(?:\\.response)?$`);
const RESPONSE = '.response';

/** The messages of all chats of an account, one by one. */
@Injectable()
export class AccountMessages {
  private readonly statement: Statement;

  constructor(
    private readonly database: Database,
    private readonly paths: PathService,
    private readonly numbers: ChatNumbersService,
    content: ContentStore,
  ) {
    this.statement = accountPairs(content.table);
  }

  /**
   * In the order of their making, whatever chat they are in; what an import brought stands where it
   * came in. @throws content_unavailable; 422 for a cursor of another list
   */
  async page(accountId: string, limit: number, cursor: string | undefined): Promise<MessagesPage> {
    const last = cursor === undefined ? '' : decodeCursor(cursor, SCOPE, 'cursor', PLACE);
    // The pair whose question was the last one shown, and one more to know whether there is more.
    const rows = await this.rows(accountId, last.slice(0, FIRST_UUID.length), limit + 2);
    const names = await this.numbers.findAll(
      accountId,
      rows.map(({ row }) => row.seen_in),
    );
    const found = rows
      .flatMap(({ row, body }) => {
        const named = names.get(row.seen_in);
        return named ? messagesOf(named, saidIn(row, body)) : [];
      })
      .filter(({ id }) => id > last);
    const messages = found.slice(0, limit);
    // Pairs without any text are no messages: a page of them has nothing, and leads on.
    const end = found.length > limit ? messages.at(-1)!.id : endOf(rows, limit + 2);
    return { messages, nextCursor: end === null ? null : encodeCursor(SCOPE, end) };
  }

  private rows(accountId: string, from: string, limit: number): Promise<Read[]> {
    return twice(async () => {
      const rows = await this.database.query<AccountPairRow>(this.statement, [
        accountId,
        from || FIRST_UUID,
        limit,
      ]);
      const bodies = await this.paths.bodiesOf(accountId, null, rows);
      return bodies && rows.map((row, at) => ({ row, body: bodies[at]! }));
    });
  }
}

interface Read {
  row: AccountPairRow;
  body: string;
}

/** Behind the last of so many rows as were asked for; null where there were fewer. */
const endOf = (rows: readonly Read[], asked: number): string | null =>
  rows.length < asked ? null : rows.at(-1)!.row.response_id + RESPONSE;

const saidIn = (row: AccountPairRow, body: string) => ({
  response_id: row.response_id,
  author: row.author,
  model: row.model,
  timestamp: row.created_at.toISOString(),
  ...wordsOf(body),
});
