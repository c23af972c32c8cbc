import type { Database, Statement } from '../../database/database.js';
import { tryToWrite } from '../../database/try-to-write.js';
import { sha256Of } from '../body.js';
import { ContentStore, type PairRef, type PairWrite, type StoredPair } from '../content-store.js';

const PUT: Statement = {
  name: 'content.put',
  // An equal version is written again only where the words differ: a repeated put leaves no dead
  // row behind.
  text: `
    INSERT INTO chat_contents AS old (account_id, chat_id, seq, version, body)
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::int[], $5::text[]) AS put (account_id, chat_id, seq, version, body)
    ORDER BY account_id, chat_id, seq
    ON CONFLICT (account_id, chat_id, seq) DO UPDATE SET version = excluded.version, body = excluded.body
    WHERE old.version < excluded.version OR (old.version = excluded.version AND old.body <> excluded.body)`,
};

/**
 * `LIMIT 1` keeps the look-ups from being made joins, which read whole chats where PostgreSQL takes
 * them to be short.
 */
const FIND_MANY: Statement = {
  name: 'content.find_many',
  text: `
    SELECT wanted.response_id, words.version, words.body
    FROM unnest($3::uuid[], $4::int[], $5::text[]) AS wanted (chat_id, seq, response_id)
    CROSS JOIN LATERAL (SELECT root_chat_id FROM chats WHERE account_id = $1 AND chat_id = wanted.chat_id LIMIT 1) own
    CROSS JOIN LATERAL (
      SELECT version, body FROM chat_contents WHERE account_id = $1 AND chat_id = wanted.chat_id AND seq = wanted.seq LIMIT 1
    ) words
    WHERE own.root_chat_id = $2`,
};

const REMOVE_TAIL: Statement = {
  name: 'content.remove_tail',
  text: `DELETE FROM chat_contents WHERE account_id = $1 AND chat_id = $2 AND seq > $3`,
};

const PING: Statement = { name: 'content.ping', text: 'SELECT 1' };

interface WordsRow {
  [column: string]: unknown;
  response_id: string;
  version: number;
  body: string;
}

/**
 * The words in PostgreSQL, beside what it knows of them: for servers without MongoDB. Appends write
 * them in their own statement (`table`).
 */
export class PostgresContentStore extends ContentStore {
  override readonly name = 'postgres';
  override readonly table = 'chat_contents';

  constructor(private readonly database: Database) {
    super();
  }

  /** All of them, or none: what one row cannot hold PostgreSQL refused before it was a pair. */
  override async putMany(pairs: readonly PairWrite[]): Promise<ReadonlyMap<string, Error>> {
    const fields = ['accountId', 'chatId', 'seq', 'version', 'body'] as const;
    if (pairs.length > 0)
      await this.database.query(
        PUT,
        fields.map((field) => pairs.map((pair) => pair[field])),
      );
    return new Map();
  }

  /** Nothing to do: `chats` itself says which branches a pair has. */
  override async putBranches(): Promise<void> {}

  override async findMany(
    accountId: string,
    rootChatId: string,
    pairs: readonly PairRef[],
  ): Promise<Map<string, StoredPair>> {
    if (pairs.length === 0) return new Map();
    const wanted = [
      pairs.map((pair) => pair.chatId),
      pairs.map((pair) => pair.seq),
      pairs.map((pair) => pair.responseId),
    ];
    const rows = await this.database.query<WordsRow>(FIND_MANY, [accountId, rootChatId, ...wanted]);
    return new Map(
      rows.map(({ response_id: id, version, body }) => [
        id,
        { version, body, sha256: sha256Of(body), branches: [], branchesTotal: 0 },
      ]),
    );
  }

  /**
   * One by one: only the relay asks for pairs of several conversations, and with the words here
   * there is none.
   */
  override async findAcross(pairs: readonly PairRef[]): Promise<Map<string, StoredPair>> {
    const found = new Map<string, StoredPair>();
    for (const pair of pairs) {
      for (const [id, stored] of await this.findMany(pair.accountId, pair.rootChatId, [pair]))
        found.set(id, stored);
    }
    return found;
  }

  override async removeTail(
    chat: Pick<PairRef, 'accountId' | 'chatId'>,
    afterSeq: number,
  ): Promise<void> {
    await this.database.query(REMOVE_TAIL, [chat.accountId, chat.chatId, afterSeq]);
  }

  override async ping(): Promise<void> {
    await this.database.query(PING, []);
  }

  override tryToWrite(): Promise<void> {
    return tryToWrite(this.database);
  }
}
