import { DataSource } from 'typeorm';
import { Config } from '../../src/config/config.js';
import {
  ContentStore,
  type PairRef,
  type PairWrite,
  type StoredPair,
} from '../../src/content/content-store.js';
import { JournalRows } from '../../src/content/journal-rows.js';
import { Journal } from '../../src/content/journal.js';
import { Relay } from '../../src/content/relay.js';
import { dataSourceOptions } from '../../src/data-source.js';
import { Database } from '../../src/database/database.js';
import { migrate } from '../../src/database/migrate.js';
import { createDatabase } from '../support/app.js';
import type { ChatKey } from './builders.js';

/** A row of the journal as tests look at it. */
export interface RowState {
  seq: number;
  version: number;
  round: number;
  attempts: number;
  stored: boolean;
  verified: boolean;
  has_body: boolean;
  /** Seconds until a relay may take it. */
  due_in: number;
}

/** A store that lets a test watch, hold up or break what passes through it. */
export class WatchedStore extends ContentStore {
  override readonly name = 'mongo';
  override readonly table = 'content_journal';
  puts = 0;
  beforePut: (pair: PairWrite) => Promise<void> = async () => undefined;
  afterFind: () => Promise<void> = async () => undefined;

  constructor(private readonly inner: ContentStore) {
    super();
  }

  override async putMany(pairs: readonly PairWrite[]): Promise<ReadonlyMap<string, Error>> {
    this.puts += pairs.length;
    const refused = new Map<string, Error>();
    for (const pair of pairs)
      await this.beforePut(pair).catch((error: Error) => refused.set(pair.responseId, error));
    const failures = await this.inner.putMany(
      pairs.filter((pair) => !refused.has(pair.responseId)),
    );
    return new Map([...refused, ...failures]);
  }

  override findMany(
    accountId: string,
    rootChatId: string,
    pairs: readonly PairRef[],
  ): Promise<Map<string, StoredPair>> {
    return this.inner.findMany(accountId, rootChatId, pairs);
  }

  override async findAcross(pairs: readonly PairRef[]): Promise<Map<string, StoredPair>> {
    const found = await this.inner.findAcross(pairs);
    await this.afterFind();
    return found;
  }

  override putBranches(
    pair: PairRef,
    branches: readonly string[],
    branchesTotal: number,
  ): Promise<void> {
    return this.inner.putBranches(pair, branches, branchesTotal);
  }

  override removeTail(chat: ChatKey, afterSeq: number): Promise<void> {
    return this.inner.removeTail(chat, afterSeq);
  }

  override ping(): Promise<void> {
    return this.inner.ping();
  }

  override tryToWrite(): Promise<void> {
    return this.inner.tryToWrite();
  }
}

/** PostgreSQL with the real schema, and what the journal needs from it. */
export class JournalHarness {
  private constructor(
    private readonly dataSource: DataSource,
    readonly database: Database,
  ) {}

  static async start(): Promise<JournalHarness> {
    const url = await createDatabase();
    await migrate(dataSourceOptions(url));
    const dataSource = await new DataSource(dataSourceOptions(url)).initialize();
    return new JournalHarness(dataSource, new Database(dataSource));
  }

  /**
   * One instance of the server's journal and relay; its timers do not run unless a test starts
   * them.
   */
  instance(
    store: ContentStore,
    settings: Partial<Config> = {},
  ): { journal: Journal; relay: Relay } {
    const config = Object.assign(new Config(), settings);
    const journal = new Journal(this.database, store, config);
    return { journal, relay: new Relay(new JournalRows(this.database), store, journal, config) };
  }

  /** What an append commits: the pair, and its words in the journal. */
  async append(pair: PairWrite, { dueInSeconds = 60 } = {}): Promise<void> {
    await this.know(pair);
    await this.dataSource.query(
      `INSERT INTO messages (account_id, response_id, root_chat_id, chat_id, seq, version, bytes, sha256, created_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
      [
        pair.accountId,
        pair.responseId,
        pair.rootChatId,
        pair.chatId,
        pair.seq,
        pair.version,
        Buffer.byteLength(pair.body),
        pair.sha256,
        pair.createdAt,
      ],
    );
    await this.dataSource.query(
      `INSERT INTO content_journal (account_id, chat_id, seq, version, body, due_at, created_at)
       VALUES ($1, $2, $3, $4, $5, now() + $6 * interval '1 s', now())`,
      [pair.accountId, pair.chatId, pair.seq, pair.version, pair.body, dueInSeconds],
    );
  }

  /** A living branch of `pair`, without a word about it to the journal. */
  async fork(pair: PairWrite, chatId: string): Promise<void> {
    await this.dataSource.query(
      `INSERT INTO chats (account_id, chat_id, root_chat_id, parent_chat_id, depth, fork_seq, fork_response_id, last_seq, jump_chat_id, created_at, updated_at)
       VALUES ($1, $2, $3, $4, 1, $5, $6, $5, $3, now(), now())`,
      [pair.accountId, chatId, pair.rootChatId, pair.chatId, pair.seq, pair.responseId],
    );
  }

  query(text: string, values: unknown[] = []): Promise<unknown> {
    return this.dataSource.query(text, values);
  }

  transaction: Database['transaction'] = (work) => this.database.transaction(work);

  async rows(chat: ChatKey): Promise<RowState[]> {
    return this.dataSource.query(
      `SELECT seq, version, round, attempts, stored_at IS NOT NULL AS stored, verified_at IS NOT NULL AS verified, body IS NOT NULL AS has_body,
         extract(epoch FROM due_at - now())::float8 AS due_in
       FROM content_journal WHERE account_id = $1 AND chat_id = $2 ORDER BY seq`,
      [chat.accountId, chat.chatId],
    );
  }

  /** Lets all time that anything waits for have passed: leases, retentions, back-offs. */
  async letTimePass(): Promise<void> {
    await this.dataSource.query(`UPDATE content_journal SET due_at = now()`);
  }

  async clear(): Promise<void> {
    await this.dataSource.query(`DELETE FROM content_journal`);
  }

  stop(): Promise<void> {
    return this.dataSource.destroy();
  }

  private async know(chat: ChatKey): Promise<void> {
    await this.dataSource.query(
      `INSERT INTO chats (account_id, chat_id, root_chat_id, last_seq, jump_chat_id, created_at, updated_at)
       VALUES ($1, $2, $3, 0, $3, now(), now()) ON CONFLICT DO NOTHING`,
      [chat.accountId, chat.chatId, chat.rootChatId],
    );
  }
}

/** Something a test opens at a moment of its choice. */
export function aLatch(): { opened: Promise<void>; open: () => void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}
