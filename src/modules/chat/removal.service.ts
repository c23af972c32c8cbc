import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { assertMatches, type IfMatch } from '../../common/etag.js';
import { PART_ROWS, partsOf } from '../../common/parts.js';
import { problems } from '../../common/problems.js';
import { Config } from '../../config/config.js';
import { ContentStore } from '../../content/content-store.js';
import { type Change, recordChanges } from '../../events/changes.js';
import { nearestLiving } from '../../tree/branch-tree.js';
import { findIn } from './chat.service.js';
import type { ChatView } from './chat.view.js';
import { Conversation } from './conversation.entity.js';
import { expiredSql, expiryOf } from './expiry.sql.js';
import { type Ancestor, LINEAGE } from './lineage.query.js';
import { TreeChanges } from './tree-changes.service.js';
import { type LockedChat, lockTree, switchActive } from './tree-lock.js';

export const CHILDREN_RULES = ['keep', 'cascade', 'refuse'] as const;
/**
 * What becomes of the branches of a deleted branch: kept with all they inherit, deleted too, or a
 * reason to refuse.
 */
export type ChildrenRule = (typeof CHILDREN_RULES)[number];

/** Living chats below a chat, also those below deleted ones. */
const DESCENDANTS = `
  WITH RECURSIVE below AS (
    SELECT chat_id, deleted_at FROM chats WHERE account_id = $1 AND parent_chat_id = $2
    UNION ALL
    SELECT c.chat_id, c.deleted_at FROM below JOIN chats c ON c.account_id = $1 AND c.parent_chat_id = below.chat_id
  )
  SELECT chat_id FROM below WHERE deleted_at IS NULL`;

const BURY = `
  UPDATE chats SET deleted_at = $3::timestamptz, revision = revision + 1, updated_at = $3::timestamptz
  WHERE account_id = $1 AND chat_id = ANY ($2::uuid[]) AND deleted_at IS NULL`;

const RAISE = `
  WITH raised AS (
    UPDATE chats SET deleted_at = NULL, revision = revision + 1, updated_at = $4::timestamptz
    WHERE account_id = $1 AND chat_id = ANY (ARRAY (
      SELECT c.chat_id FROM chats c WHERE c.account_id = $1 AND c.root_chat_id = $2 AND c.deleted_at = $3::timestamptz
      ORDER BY c.depth, c.chat_id LIMIT ${PART_ROWS}))
    RETURNING chat_id, depth, fork_response_id
  )
  SELECT chat_id, fork_response_id FROM raised ORDER BY depth, chat_id`;

/**
 * Answers that are being written there end as if somebody had stopped them: whoever writes one sees
 * it within a second.
 */
const STOP_ANSWERS = `
  WITH running AS MATERIALIZED (
    SELECT generation_id FROM generations WHERE account_id = $1 AND chat_id = ANY ($2::uuid[]) AND status = 'running'
    ORDER BY generation_id FOR UPDATE
  )
  UPDATE generations g SET status = 'stopping' FROM running WHERE g.account_id = $1 AND g.generation_id = running.generation_id`;

interface RaisedChat {
  chat_id: string;
  fork_response_id: string | null;
}

const EXPIRED = `SELECT coalesce(${expiredSql('$3', '$4')}, false) AS expired FROM chats c WHERE c.account_id = $1 AND c.chat_id = $2`;

/** Soft deletion and its undoing. */
@Injectable()
export class RemovalService {
  constructor(
    private readonly trees: TreeChanges,
    private readonly content: ContentStore,
    private readonly config: Config,
  ) {}

  /**
   * Deletes a branch, or with a root its whole conversation. If the active branch goes, its nearest
   * living ancestor becomes active.
   * @throws chat_not_found, revision_stale; branch_has_children when `children` is `refuse` and
   * there are any.
   */
  async remove(
    accountId: string,
    chatId: string,
    children: ChildrenRule,
    ifMatch: IfMatch,
  ): Promise<void> {
    await this.trees.run(accountId, chatId, async (tx) => {
      const chat = await lockTree(tx, accountId, chatId);
      if (chat.deleted_at !== null) throw problems.chatNotFound();
      assertMatches(ifMatch, (await findIn(tx, accountId, chatId)).revision);
      const isRoot = chat.chat_id === chat.root_chat_id;
      const below = (await tx.query<{ chat_id: string }[]>(DESCENDANTS, [accountId, chatId])).map(
        (row) => row.chat_id,
      );
      if (children === 'refuse' && below.length > 0)
        throw problems.branchHasChildren({ branches_total: below.length });
      const doomed = isRoot || children === 'cascade' ? [chatId, ...below] : [chatId];
      const heir = isRoot ? null : await moveActive(tx, accountId, chat, doomed);
      await this.bury(tx, accountId, chat, doomed, heir);
    });
  }

  /**
   * Undoes a deletion: what was deleted together comes back together. A living chat is answered as
   * it is.
   * @throws chat_not_found, also when its time is over; conversation_deleted for a branch whose
   * root is deleted.
   */
  async restore(tx: EntityManager, accountId: string, chatId: string): Promise<ChatView> {
    const chat = await lockTree(tx, accountId, chatId);
    const [{ expired }] = await tx.query<[{ expired: boolean }]>(EXPIRED, [
      accountId,
      chatId,
      ...expiryOf(this.config),
    ]);
    // The purge may have taken some of its words already.
    if (expired) throw problems.chatNotFound();
    const isRoot = chat.chat_id === chat.root_chat_id;
    if (chat.root_deleted && !isRoot) throw problems.conversationDeleted();
    if (chat.deleted_at === null) return findIn(tx, accountId, chatId);
    const raised = await raise(tx, accountId, chat);
    if (isRoot) await tx.update(Conversation, { accountId, chatId }, { deleted: false });
    const back = isRoot ? [chatId] : raised.map((row) => row.chat_id);
    const place = { accountId, rootChatId: chat.root_chat_id, createdAt: new Date() };
    await recordChanges(
      tx,
      place,
      back.map((id) => ({ type: 'chat.restored', chatId: id }) as const),
      raised.length,
    );
    await this.content.askForBranches(
      tx,
      accountId,
      raised.map((row) => row.fork_response_id).filter((id) => id !== null),
    );
    return findIn(tx, accountId, chatId);
  }

  /**
   * Each branch is told, those before it that hang at it; a conversation goes and comes back as a
   * whole.
   * @param doomed parents first
   * @param heir the chat that became active in the place of one of the `doomed`
   */
  private async bury(
    tx: EntityManager,
    accountId: string,
    chat: LockedChat,
    doomed: readonly string[],
    heir: string | null,
  ): Promise<void> {
    const isRoot = chat.chat_id === chat.root_chat_id;
    for (const part of partsOf(doomed)) await tx.query(BURY, [accountId, part, chat.now]);
    await tx.query(STOP_ANSWERS, [accountId, doomed]);
    if (isRoot)
      await tx.update(Conversation, { accountId, chatId: chat.chat_id }, { deleted: true });
    const changes: Change[] = isRoot
      ? [{ type: 'chat.deleted', chatId: chat.chat_id }]
      : doomed.map((chatId) => ({ type: 'branch.deleted', chatId }) as const).reverse();
    if (heir !== null) changes.unshift({ type: 'branch.activated', chatId: heir });
    await recordChanges(
      tx,
      { accountId, rootChatId: chat.root_chat_id, createdAt: new Date() },
      changes,
      -doomed.length,
    );
    if (!isRoot)
      await this.content.askForBranches(tx, accountId, await forkPoints(tx, accountId, doomed));
  }
}

/** Brings back what was deleted together, parents first. */
async function raise(
  tx: EntityManager,
  accountId: string,
  chat: LockedChat,
): Promise<RaisedChat[]> {
  const raised: RaisedChat[] = [];
  for (let rows = PART_ROWS; rows === PART_ROWS;) {
    const part = await tx.query<RaisedChat[]>(RAISE, [
      accountId,
      chat.root_chat_id,
      chat.deleted_at,
      chat.now,
    ]);
    raised.push(...part);
    rows = part.length;
  }
  return raised;
}

async function forkPoints(
  tx: EntityManager,
  accountId: string,
  chatIds: readonly string[],
): Promise<string[]> {
  const rows = await tx.query<{ id: string }[]>(
    `SELECT DISTINCT fork_response_id AS id FROM chats WHERE account_id = $1 AND chat_id = ANY ($2::uuid[]) AND fork_response_id IS NOT NULL`,
    [accountId, chatIds],
  );
  return rows.map((row) => row.id);
}

/**
 * If the active chat is among those that go, the nearest living ancestor of the deleted branch
 * takes its place; answers that one.
 */
async function moveActive(
  tx: EntityManager,
  accountId: string,
  chat: LockedChat,
  doomed: readonly string[],
): Promise<string | null> {
  const [active] = await tx.query<{ chat_id: string }[]>(
    `SELECT chat_id FROM chats WHERE account_id = $1 AND root_chat_id = $2 AND active AND deleted_at IS NULL`,
    [accountId, chat.root_chat_id],
  );
  if (!active || !doomed.includes(active.chat_id)) return null;
  const lineage = await tx.query<Ancestor[]>(LINEAGE.text, [accountId, chat.chat_id]);
  const parentId = lineage.at(-1)!.parentChatId!;
  const heir = nearestLiving(parentId, (id) => lineage.find((line) => line.chatId === id)!)!;
  await switchActive(tx, accountId, chat.root_chat_id, heir.chatId);
  return heir.chatId;
}
