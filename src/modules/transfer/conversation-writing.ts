import type { EntityManager } from 'typeorm';
import { newId } from '../../common/ids.js';
import { partsOf } from '../../common/parts.js';
import type { ContentStore, PairWrite } from '../../content/content-store.js';
import {
  type PlanLine,
  planOf,
  type PlannedChat,
  type EarlierImport,
} from '../../tree/import-plan.js';
import { jumpOfChild, type Link } from '../../tree/lineage.js';
import { Conversation } from '../chat/conversation.entity.js';
import { switchActive } from '../chat/tree-lock.js';
import { branchFields, chatRow, filesIn, pairRow } from './incoming-rows.js';
import { type GivenLine, type IncomingConversation, type IncomingPair, keyOf } from './incoming.js';
import {
  type ChatRow,
  chatValues,
  type NewEventRow,
  eventValues,
  FIND_PAIRS,
  GROW_CONVERSATION,
  INSERT_CHATS,
  INSERT_EVENTS,
  INSERT_KEYS,
  insertPairs,
  LENGTHEN,
  NAME_FILES,
  type NewPairRow,
  pairValues,
  READ_CHATS,
} from './write.sql.js';

/** What a conversation brought. */
export interface Brought {
  kind: 'added' | 'updated' | 'unchanged';
  rootChatId: string;
  chats: number;
  pairs: number;
  /** To be sent to the store after the commit. */
  writes: PairWrite[];
}

interface Chat extends Link {
  chatType: string;
  model: string | null;
  systemPrompt: string | null;
  lastSeq: number;
  lastResponseId: string | null;
  active: boolean;
  isDeleted: boolean;
  isBusy: boolean;
}

interface SourcePairRow {
  key: string;
  response_id: string;
  chat_id: string;
  seq: number;
}

/** No statement takes more words than that. */
const BATCH_BYTES = 2 * 1024 * 1024;
const BATCH_ROWS = 1000;
/** One conversation on its way. */
export class ConversationWriting {
  private readonly chats = new Map<string, Chat>();
  private readonly known = new Map<string, SourcePairRow>();
  private readonly byKey: Map<string, IncomingPair>;
  private readonly made = new Map<string, { responseId: string; chatId: string; seq: number }>();
  private readonly events: NewEventRow[] = [];
  private readonly rows: NewPairRow[] = [];
  private readonly newChats: ChatRow[] = [];
  private rootChatId = '';

  constructor(
    private readonly tx: EntityManager,
    private readonly accountId: string,
    private readonly incoming: IncomingConversation,
    private readonly content: ContentStore,
  ) {
    this.byKey = new Map(incoming.pairs.map((pair) => [pair.key, pair]));
  }

  /** The pair where its person was. */
  get headId(): string | null {
    return this.incoming.head === null ? null : (this.responseOf(this.incoming.head) ?? null);
  }

  /** A new conversation. */
  async add(rootChatId: string): Promise<Brought> {
    this.rootChatId = rootChatId;
    const { incoming } = this;
    const plan = incoming.lines
      ? { lines: incoming.lines, head: null }
      : planOf(incoming.pairs, incoming.head);
    const lines: PlanLine[] =
      plan.lines.length > 0
        ? plan.lines
        : [{ kind: 'root', chat: null, forkSeq: 0, forkKey: null, keys: [] }];
    const ids = this.layOut(lines, rootChatId);
    const active = lines.findIndex((line) => isGiven(line) && line.isActive);
    const head = active >= 0 ? active : typeof plan.head === 'number' ? plan.head : 0;
    for (const row of this.newChats) row.active = row.chatId === ids[head];
    const now = new Date();
    await this.tx.insert(Conversation, {
      accountId: this.accountId,
      chatId: rootChatId,
      name: incoming.root.name,
      pinned: incoming.pinned,
      archived: incoming.archived,
      eventSeq: this.events.length,
      lastMessageAt: this.newestAt(),
      chatsTotal: this.newChats.filter(({ deletedAt }) => deletedAt === null).length,
      chatsRevision: 0,
    });
    await this.insert(0, now);
    return this.brought('added');
  }

  /** What is there of it. False where it is deleted. Locks the tree, the root first. */
  async read(rootChatId: string): Promise<boolean> {
    this.rootChatId = rootChatId;
    const { accountId, tx } = this;
    const chats = await tx.query<Chat[]>(READ_CHATS, [accountId, rootChatId]);
    if (chats.length === 0 || chats[0]!.isDeleted) return false;
    for (const chat of chats) this.chats.set(chat.chatId, chat);
    const place = [accountId, this.incoming.source, this.incoming.sourceKey, rootChatId];
    for (const known of await tx.query<SourcePairRow[]>(FIND_PAIRS, place))
      this.known.set(known.key, known);
    return true;
  }

  /** What is new of it. @param headBefore where its person was when it came the last time */
  async update(headBefore: string | null): Promise<Brought> {
    const { incoming, tx, accountId, rootChatId } = this;
    const active = [...this.chats.values()].find((chat) => chat.active && !chat.isDeleted);
    const plan = planOf(incoming.pairs, incoming.head, this.present());
    if (plan.lines.length === 0) return this.brought('unchanged');
    const ids = this.layOut(plan.lines, rootChatId);
    // Who has gone on here meanwhile stays where they are.
    const follows = active?.lastResponseId === headBefore && plan.head !== null;
    const next = follows ? idOf(plan.head!, ids) : active?.chatId;
    await this.lengthenAll(plan.lines, ids);
    const switches = next !== undefined && next !== active?.chatId;
    if (switches) this.events.push({ type: 'branch.activated', chatId: next, responseId: null });
    await this.insertRows();
    if (switches) await switchActive(tx, accountId, rootChatId, next);
    const before = await this.growConversation();
    await this.insertEvents(before, new Date());
    return this.brought('updated');
  }

  /** How many events it had before. */
  private async growConversation(): Promise<number> {
    const [[row]] = await this.tx.query<[{ before: number }[], number]>(GROW_CONVERSATION, [
      this.accountId,
      this.rootChatId,
      ...[this.events.length, this.newChats.length, this.newestAt()],
    ]);
    return row!.before;
  }

  private present(): EarlierImport {
    const pairs = new Map(
      this.incoming.pairs.flatMap(({ key }) => {
        const known = this.known.get(keyOf(key).toString('hex'));
        return known ? [[key, { chatId: known.chat_id, seq: known.seq }] as const] : [];
      }),
    );
    return {
      pairs,
      rootChatId: this.rootChatId,
      isOpenEnd: (chatId, seq) => {
        const chat = this.chats.get(chatId)!;
        return chat.lastSeq === seq && !chat.isDeleted && !chat.isBusy;
      },
    };
  }

  /** Makes rows of lines; answers the chat of each. */
  private layOut(lines: readonly PlanLine[], rootChatId: string): string[] {
    const ids: string[] = [];
    for (const line of lines) {
      const chatId =
        line.kind === 'root'
          ? rootChatId
          : line.kind === 'longer'
            ? idOf(line.chat!, ids)
            : newId();
      ids.push(chatId);
      if (line.kind !== 'longer') this.makeChat(chatId, line, ids);
      this.makePairs(chatId, line);
    }
    return ids;
  }

  private makeChat(chatId: string, line: PlanLine, ids: readonly string[]): void {
    const parent = line.chat === null ? null : this.chats.get(idOf(line.chat, ids))!;
    const link: Link = {
      chatId,
      parentChatId: parent?.chatId ?? null,
      forkSeq: line.forkSeq,
      depth: parent ? parent.depth + 1 : 0,
      jumpChatId: parent ? jumpOfChild(parent, (id) => this.chats.get(id)!) : chatId,
    };
    const forkId = line.forkKey === null ? null : this.responseOf(line.forkKey)!;
    const row = this.rowOfChat(link, forkId, line, parent);
    this.newChats.push(row);
    this.chats.set(chatId, { ...row, isDeleted: row.deletedAt !== null, isBusy: false });
    if (row.deletedAt === null)
      this.events.push({
        type: parent ? 'branch.created' : 'chat.created',
        chatId,
        responseId: null,
      });
  }

  private rowOfChat(
    link: Link,
    forkResponseId: string | null,
    line: PlanLine,
    parent: Chat | null,
  ): ChatRow {
    const [first, last] = [line.keys[0], line.keys.at(-1)].map((key) =>
      key === undefined ? undefined : this.byKey.get(key)!,
    );
    const fields = isGiven(line)
      ? line.fields
      : parent
        ? branchFields(parent, first!.createdAt)
        : this.incoming.root;
    const isDeleted = isGiven(line) && line.isDeleted;
    const place = { ...link, rootChatId: this.rootChatId, forkResponseId };
    return chatRow(this.accountId, place, fields, isDeleted, last?.createdAt);
  }

  private makePairs(chatId: string, { forkSeq, keys }: PlanLine): void {
    const chat = this.newChats.at(-1)?.chatId === chatId ? this.newChats.at(-1)! : null;
    for (const [n, key] of keys.entries()) {
      const pair = this.byKey.get(key)!;
      const [responseId, seq] = [newId(), forkSeq + n + 1];
      this.made.set(key, { responseId, chatId, seq });
      this.rows.push(pairRow(pair, { responseId, chatId, seq }));
      this.events.push({ type: 'message.created', chatId, responseId });
      if (chat) [chat.lastSeq, chat.lastResponseId] = [seq, responseId];
    }
  }

  private async lengthenAll(lines: readonly PlanLine[], ids: readonly string[]): Promise<void> {
    for (const [n, line] of lines.entries())
      if (line.kind === 'longer') await this.lengthen(ids[n]!, line);
  }

  private async lengthen(chatId: string, { forkSeq, keys }: PlanLine): Promise<void> {
    const last = keys.at(-1)!;
    const at = this.byKey.get(last)!.createdAt;
    const values = [forkSeq + keys.length, this.responseOf(last), at];
    await this.tx.query(LENGTHEN, [this.accountId, chatId, ...values]);
  }

  private responseOf(key: string): string | undefined {
    return (
      this.made.get(key)?.responseId ?? this.known.get(keyOf(key).toString('hex'))?.response_id
    );
  }

  private async insert(before: number, now: Date): Promise<void> {
    await this.insertRows();
    await this.insertEvents(before, now);
  }

  private async insertRows(): Promise<void> {
    const { tx, accountId, rootChatId } = this;
    for (const part of partsOf(this.newChats))
      await tx.query(INSERT_CHATS, [accountId, ...chatValues(part)]);
    const inserting = insertPairs(this.content.table);
    for (const part of batches(this.rows))
      await tx.query(inserting, [accountId, rootChatId, ...pairValues(part)]);
    const { source, sourceKey } = this.incoming;
    for (const part of partsOf([...this.made]))
      await tx.query(INSERT_KEYS, [
        ...[accountId, source, sourceKey],
        part.map(([key]) => keyOf(key)),
        part.map(([, { responseId }]) => responseId),
      ]);
    await this.nameFiles();
    const forks = this.newChats.flatMap(({ forkResponseId: id }) => (id === null ? [] : [id]));
    const own = new Set(this.rows.map(({ responseId }) => responseId));
    const old = [...new Set(forks)].filter((id) => !own.has(id));
    if (old.length > 0) await this.content.askForBranches(tx, accountId, old);
  }

  private async nameFiles(): Promise<void> {
    const named = [...this.made].flatMap(([key, { responseId }]) =>
      filesIn(this.byKey.get(key)!.words).map((fileId) => [responseId, fileId] as const),
    );
    for (const part of partsOf(named)) {
      const [pairs, files] = [part.map(([id]) => id), part.map(([, id]) => id)];
      await this.tx.query(NAME_FILES, [this.accountId, pairs, files]);
    }
  }

  private async insertEvents(before: number, now: Date): Promise<void> {
    let place = before;
    for (const part of partsOf(this.events)) {
      const values = [this.accountId, this.rootChatId, place, now, ...eventValues(part)];
      await this.tx.query(INSERT_EVENTS, values);
      place += part.length;
    }
  }

  private newestAt(): Date | null {
    let newest: Date | null = null;
    for (const { createdAt } of this.rows)
      if (newest === null || createdAt > newest) newest = createdAt;
    return newest;
  }

  private brought(kind: Brought['kind']): Brought {
    const { accountId, rootChatId } = this;
    const branches = new Map<string, string[]>();
    for (const { forkResponseId, chatId } of this.newChats)
      if (forkResponseId !== null)
        branches.set(forkResponseId, [...(branches.get(forkResponseId) ?? []), chatId]);
    const writes =
      this.content.table === 'chat_contents'
        ? []
        : this.rows.map((row): PairWrite => {
            const own = branches.get(row.responseId) ?? [];
            const { forkSeq } = this.chats.get(row.chatId)!;
            const place = { accountId, rootChatId, forkSeq, version: 1 };
            return { ...row, ...place, branches: own.slice(0, 100), branchesTotal: own.length };
          });
    const counts = { chats: this.newChats.length, pairs: this.rows.length };
    return { kind, rootChatId, ...counts, writes };
  }
}

const isGiven = (line: PlanLine): line is GivenLine => 'fields' in line;

const idOf = (chat: PlannedChat, ids: readonly string[]): string =>
  typeof chat === 'number' ? ids[chat]! : chat.chatId;

/** In their order, bounded in rows and words. */
function* batches(rows: readonly NewPairRow[]): Generator<NewPairRow[]> {
  let batch: NewPairRow[] = [];
  let bytes = 0;
  for (const row of rows) {
    const more = Buffer.byteLength(row.body);
    if (batch.length >= BATCH_ROWS || (batch.length > 0 && bytes + more > BATCH_BYTES)) {
      yield batch;
      [batch, bytes] = [[], 0];
    }
    batch.push(row);
    bytes += more;
  }
  if (batch.length > 0) yield batch;
}
