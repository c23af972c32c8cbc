import { Injectable } from '@nestjs/common';
import { decodeCursor, encodeCursor } from '../../common/cursor.js';
import { UUID } from '../../common/ids.js';
import { problems } from '../../common/problems.js';
import { Database, type Statement } from '../../database/database.js';
import { type Branch, branchTree, type Leaf } from '../../tree/branch-tree.js';
import { ChatService } from '../chat/chat.service.js';
import type { BranchNodeDto, BranchTreeDto } from './branch.dto.js';

interface TreeRow extends Leaf, Record<string, unknown> {
  name: string | null;
  forkResponseId: string | null;
  forkSeq: number;
  active: boolean;
  lastSeq: number;
  createdAt: Date;
}

export interface TreePage {
  depth: number;
  /** All chats when absent. */
  limit?: number;
  cursor?: string;
}

/** All chats of the conversation in the order of their making, so that a parent always comes before its children. */
const TREE: Statement = {
  name: 'branch.tree',
  text: `
    SELECT c.chat_id AS "chatId", c.parent_chat_id AS "parentChatId", c.deleted_at IS NOT NULL AS deleted, c.name,
      c.fork_response_id AS "forkResponseId", c.fork_seq AS "forkSeq", c.active, c.last_seq AS "lastSeq", c.created_at AS "createdAt"
    FROM chats c WHERE c.account_id = $1 AND c.root_chat_id = $2 ORDER BY c.depth, c.chat_id`,
};

/** The tree of a conversation. */
@Injectable()
export class BranchService {
  constructor(
    private readonly database: Database,
    private readonly chats: ChatService,
  ) {}

  /**
   * The tree of the conversation that `chatId` belongs to. With `limit` it shows some chats in the order of their making and, so that each
   * page is a tree, the ancestors they hang under.
   * @throws chat_not_found
   */
  async tree(accountId: string, chatId: string, page: TreePage): Promise<BranchTreeDto> {
    const { root_chat_id: rootChatId } = await this.chats.get(accountId, chatId);
    const rows = await this.database.query<TreeRow>(TREE, [accountId, rootChatId]);
    const living = rows.filter((row) => !row.deleted);
    const { shown, nextCursor } = pageOf(rows, living, rootChatId, page);
    const root = branchTree(shown, page.depth);
    const active = living.find((row) => row.active);
    // Deleted between the two reads.
    if (!root || !active) throw problems.chatNotFound();
    return {
      root_chat_id: rootChatId,
      active_chat_id: active.chatId,
      total: living.length,
      tree: toNode(root),
      ...(nextCursor !== null && { next_cursor: nextCursor }),
    };
  }
}

function pageOf(
  rows: readonly TreeRow[],
  living: readonly TreeRow[],
  rootChatId: string,
  { limit, cursor }: TreePage,
): { shown: readonly TreeRow[]; nextCursor: string | null } {
  const after = cursor === undefined ? '' : decodeCursor(cursor, rootChatId, 'cursor', UUID);
  const inOrder = living.filter((row) => row.chatId > after).sort((a, b) => (a.chatId < b.chatId ? -1 : 1));
  const wanted = limit === undefined ? inOrder : inOrder.slice(0, limit);
  if (wanted.length === living.length) return { shown: rows, nextCursor: null };
  const parents = new Map(rows.map((row) => [row.chatId, row.parentChatId]));
  const kept = new Set<string>([rootChatId]);
  for (const { chatId } of wanted) for (let at: string | null = chatId; at && !kept.has(at); at = parents.get(at) ?? null) kept.add(at);
  const more = wanted.length < inOrder.length;
  return { shown: rows.filter((row) => kept.has(row.chatId)), nextCursor: more ? encodeCursor(rootChatId, wanted.at(-1)!.chatId) : null };
}

/** Nested nodes, made without recursion: a tree may be a thousand levels deep. */
function toNode(root: Branch<TreeRow>): BranchNodeDto {
  const top = nodeOf(root);
  const open: [Branch<TreeRow>, BranchNodeDto][] = [[root, top]];
  for (let next = open.pop(); next; next = open.pop()) {
    const [branch, node] = next;
    for (const child of branch.children) {
      const childNode = nodeOf(child);
      node.children.push(childNode);
      open.push([child, childNode]);
    }
  }
  return top;
}

const nodeOf = ({ chat, parentChatId }: Branch<TreeRow>): BranchNodeDto => ({
  chat_id: chat.chatId,
  name: chat.name,
  parent_chat_id: parentChatId,
  fork_response_id: chat.forkResponseId,
  fork_seq: chat.forkSeq,
  active: chat.active,
  message_count: chat.lastSeq,
  created_at: chat.createdAt.toISOString(),
  children: [],
});
