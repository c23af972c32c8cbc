import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { idBefore, type Page, type PageAsked, pageOf } from '../../common/cursor.js';
import { assertMatches, type IfMatch } from '../../common/etag.js';
import { canonicalDigest } from '../../common/canonical-json.js';
import { newId } from '../../common/ids.js';
import { metadataTerm } from '../../common/metadata.js';
import { problems } from '../../common/problems.js';
import { afterCommit, Database } from '../../database/database.js';
import { type Change, recordChange, recordChanges } from '../../events/changes.js';
import { type ChatFields, type ChatView, columnsOf } from './chat.columns.js';
import { Chat, type ChatType } from './chat.entity.js';
import { FIND_ACTIVE, FIND_CHAT, LIST_CHATS, LIST_CHATS_WITH, LIST_STARTED } from './chat.view.js';
import { Conversation } from './conversation.entity.js';
import { RootsService } from './roots.service.js';
import { TreeChanges } from './tree-changes.service.js';
import { lockTree, switchActive } from './tree-lock.js';

export interface NewChat extends ChatFields {
  /** An id of the client's own, perhaps that of a chat of somebody else. */
  chat_id?: string;
  chat_type?: ChatType;
  /** A pair of another conversation, which started this one. */
  started_by?: { response_id: string } | null;
}

export interface ChatChanges extends ChatFields {
  pinned?: boolean;
  archived?: boolean;
  active?: true;
}

export interface ChatFilter extends PageAsked {
  archived?: boolean;
  pinned?: boolean;
  /** Part of the name, in any case. */
  q?: string;
  /** What the metadata of a chat have, by key. */
  metadata?: Record<string, string>;
  /** The pair that started them. */
  started_by?: string;
}

/**
 * Which chat of a conversation its person is in, and the new revision of the chat by which the
 * switch was asked.
 */
export interface ActiveBranch {
  answer: { root_chat_id: string; active_chat_id: string };
  revision: number;
}

/** Chats and what a person sets on them. */
@Injectable()
export class ChatService {
  constructor(
    private readonly database: Database,
    private readonly trees: TreeChanges,
    private readonly roots: RootsService,
  ) {}

  /** @throws chat_not_found */
  async get(accountId: string, chatId: string): Promise<ChatView> {
    const [chat] = await this.database.query<ChatView>(FIND_CHAT, [accountId, chatId]);
    if (!chat) throw problems.chatNotFound();
    return chat;
  }

  /** The active chat of the conversation that `chatId` belongs to. @throws chat_not_found */
  async activeOf(accountId: string, chatId: string): Promise<string> {
    const [active] = await this.database.query<{ chat_id: string }>(FIND_ACTIVE, [
      accountId,
      chatId,
    ]);
    if (!active) throw problems.chatNotFound();
    return active.chat_id;
  }

  /**
   * A new root, active and empty; where the client chose its id and the account has that chat, of
   * the same making, that one. @throws chat_id_taken; message_not_found for a pair that cannot have
   * started it
   */
  async create(tx: EntityManager, accountId: string, chat: NewChat): Promise<ChatView> {
    const chosen =
      chat.chat_id === undefined ? null : { chatId: chat.chat_id, madeOf: madeOf(chat) };
    if (chosen && (await isTaken(tx, accountId, chosen)))
      return findIn(tx, accountId, chosen.chatId);
    const startedBy = chat.started_by?.response_id ?? null;
    if (startedBy !== null) await assertSeen(tx, accountId, startedBy);
    const chatId = chosen?.chatId ?? newId();
    const now = new Date();
    const row = {
      accountId,
      chatId,
      rootChatId: chatId,
      jumpChatId: chatId,
      active: true,
      createdAt: now,
      updatedAt: now,
    };
    await tx.insert(Conversation, {
      accountId,
      chatId,
      name: chat.name ?? null,
      chatsTotal: 1,
      chatsRevision: 0,
      startedBy,
      ...(chosen && { listedAs: newId(), madeOf: chosen.madeOf }),
    });
    await tx.insert(Chat, {
      ...row,
      chatType: chat.chat_type ?? 'standard',
      ...columnsOf(accountId, chat),
    });
    await recordChange(tx, {
      accountId,
      rootChatId: chatId,
      type: 'chat.created',
      chatId,
      createdAt: now,
    });
    afterCommit(tx, () => this.roots.learn(accountId, chatId, chatId));
    return findIn(tx, accountId, chatId);
  }

  /**
   * The roots of an account, newest first. The order is that of creation, which never changes, so
   * no page repeats or skips.
   */
  async list(accountId: string, filter: ChatFilter): Promise<Page<ChatView>> {
    const before = idBefore(filter.cursor, 'chats');
    const like = filter.q === undefined ? null : `%${filter.q.replace(/[\\%_]/g, '\\$&')}%`;
    const values = [
      accountId,
      before,
      filter.archived ?? null,
      filter.pinned ?? null,
      like,
      filter.limit + 1,
    ];
    const terms =
      filter.metadata &&
      Object.entries(filter.metadata).map(([key, value]) => metadataTerm(accountId, key, value));
    const rows = await this.rowsOf(values, filter.started_by, terms);
    return pageOf(rows, filter.limit, 'chats', ({ listed_as: id }) => id!);
  }

  private rowsOf(
    values: readonly unknown[],
    startedBy: string | undefined,
    terms: readonly string[] | undefined,
  ): Promise<ChatView[]> {
    if (startedBy !== undefined)
      return this.database.query<ChatView>(LIST_STARTED, [...values, startedBy, terms ?? null]);
    return terms
      ? this.database.query<ChatView>(LIST_CHATS_WITH, [...values, terms])
      : this.database.query<ChatView>(LIST_CHATS, [...values]);
  }

  /**
   * Sets what is given. Of two clients that read the same revision and send it, one wins. @throws
   * chat_not_found, revision_stale
   */
  async update(
    accountId: string,
    chatId: string,
    changes: ChatChanges,
    ifMatch: IfMatch,
  ): Promise<ChatView> {
    return this.trees.run(accountId, chatId, async (tx) => {
      const locked = await lockTree(tx, accountId, chatId);
      if (locked.deleted_at !== null) throw problems.chatNotFound();
      // Not its conversation: that comes after the chat that is active now (`switchActive`).
      const before = await findIn(tx, accountId, chatId, 'FOR UPDATE OF c');
      assertMatches(ifMatch, before.revision);
      if (Object.values(changes).every((value) => value === undefined)) return before;
      await applyChanges(tx, before, changes);
      return findIn(tx, accountId, chatId);
    });
  }

  /** Gives a chat another name, if it is still called `from`. */
  async renameFrom(accountId: string, chatId: string, from: string, name: string): Promise<void> {
    await this.trees.run(accountId, chatId, async (tx) => {
      await lockTree(tx, accountId, chatId);
      const chat = await findIn(tx, accountId, chatId, 'FOR UPDATE OF c');
      if (chat.name !== from || name === from) return;
      const namedBy = await namedByIn(tx, accountId, chatId);
      await applyChanges(tx, chat, { name }, { namedBy });
    });
  }

  /**
   * Makes `branchChatId` the active branch of the conversation of `chatId`.
   * @throws chat_not_found when either is unknown or of another tree; revision_stale
   */
  async activate(
    accountId: string,
    chatId: string,
    branchChatId: string,
    ifMatch: IfMatch,
  ): Promise<ActiveBranch> {
    return this.trees.run(accountId, chatId, async (tx) => {
      await lockTree(tx, accountId, chatId);
      const chat = await findIn(tx, accountId, chatId);
      const branch = await findIn(tx, accountId, branchChatId);
      if (chat.root_chat_id !== branch.root_chat_id) {
        throw problems.chatNotFound({
          detail: 'branch_chat_id is not a chat of this conversation.',
        });
      }
      assertMatches(ifMatch, chat.revision);
      if (!branch.active) await applyChanges(tx, branch, { active: true });
      const { revision } = await findIn(tx, accountId, chatId);
      return {
        answer: { root_chat_id: branch.root_chat_id, active_chat_id: branchChatId },
        revision,
      };
    });
  }
}

export async function findIn(
  tx: EntityManager,
  accountId: string,
  chatId: string,
  lock = '',
): Promise<ChatView> {
  const [chat] = await tx.query<ChatView[]>(`${FIND_CHAT.text} ${lock}`, [accountId, chatId]);
  if (!chat) throw problems.chatNotFound();
  return chat;
}

/** What makes two requests for a chat the same one; what is absent is null. */
const madeOf = (chat: NewChat): Buffer =>
  canonicalDigest({
    name: chat.name ?? null,
    chat_type: chat.chat_type ?? 'standard',
    system_prompt: chat.system_prompt ?? null,
    model: chat.model ?? null,
    metadata: chat.metadata ?? null,
    started_by: chat.started_by?.response_id ?? null,
  });

/** Two requests for the same id go one after the other, also where neither finds a row to lock. */
const CLAIM_ID = `SELECT pg_advisory_xact_lock(hashtextextended($1::text || '/' || $2::text, 0))`;
const CHOSEN = `
  SELECT c.deleted_at, v.made_of FROM chats c LEFT JOIN conversations v ON v.account_id = c.account_id AND v.chat_id = c.chat_id
  WHERE c.account_id = $1 AND c.chat_id = $2`;

/** Whether the account has the chat already, made by the same request. @throws chat_id_taken */
async function isTaken(
  tx: EntityManager,
  accountId: string,
  { chatId, madeOf: wanted }: { chatId: string; madeOf: Buffer },
): Promise<boolean> {
  await tx.query(CLAIM_ID, [accountId, chatId]);
  const [found] = await tx.query<{ deleted_at: Date | null; made_of: Buffer | null }[]>(CHOSEN, [
    accountId,
    chatId,
  ]);
  if (!found) return false;
  if (found.deleted_at === null && found.made_of?.equals(wanted)) return true;
  throw problems.chatIdTaken({ chat_id: chatId });
}

/** A pair of a conversation that lives. */
const SEEN = `
  SELECT FROM messages m JOIN chats r ON r.account_id = m.account_id AND r.chat_id = m.root_chat_id AND r.deleted_at IS NULL
  WHERE m.account_id = $1 AND m.response_id = $2`;

async function assertSeen(tx: EntityManager, accountId: string, responseId: string): Promise<void> {
  const found = await tx.query<unknown[]>(SEEN, [accountId, responseId]);
  if (found.length === 0)
    throw problems.messageNotFound({ detail: 'started_by.response_id is no pair of yours.' });
}

/** A better name is still one by the words of the same pair. */
async function namedByIn(
  tx: EntityManager,
  accountId: string,
  chatId: string,
): Promise<string | null> {
  const { namedBy } = await tx.findOneOrFail(Chat, {
    select: { accountId: true, chatId: true, namedBy: true },
    where: { accountId, chatId },
  });
  return namedBy;
}

async function applyChanges(
  tx: EntityManager,
  chat: ChatView,
  changes: ChatChanges,
  beside: Pick<Chat, 'namedBy'> | null = null,
): Promise<void> {
  const { account_id: accountId, chat_id: chatId, root_chat_id: rootChatId } = chat;
  const now = new Date();
  await tx.update(
    Chat,
    { accountId, chatId },
    { ...columnsOf(accountId, changes), ...beside, updatedAt: now, revision: () => 'revision + 1' },
  );
  const switched = changes.active === true && !chat.active;
  if (switched) await switchActive(tx, accountId, rootChatId, chatId);
  const { pinned, archived } = changes;
  const shared = { pinned, archived, ...(chatId === rootChatId && { name: changes.name }) };
  if (Object.values(shared).some((value) => value !== undefined))
    await tx.update(Conversation, { accountId, chatId: rootChatId }, shared);
  const isUpdated =
    !switched ||
    Object.entries(changes).some(([key, value]) => key !== 'active' && value !== undefined);
  const told: Change[] = [];
  if (switched) told.push({ type: 'branch.activated', chatId });
  if (isUpdated) told.push({ type: 'chat.updated', chatId });
  await recordChanges(tx, { accountId, rootChatId, createdAt: now }, told);
}
