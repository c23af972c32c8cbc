import { Injectable } from '@nestjs/common';
import { StatedJson, treeState } from '../../cache/validated.js';
import { decodeCursor, encodeCursor } from '../../common/cursor.js';
import { problems } from '../../common/problems.js';
import { Database } from '../../database/database.js';
import {
  type Branch,
  flatPage,
  inOrder,
  nestedPage,
  NODES_MAX,
  type TreePlace,
} from '../../tree/branch-tree.js';
import { RootsService } from '../chat/roots.service.js';
import type { BranchItemDto, BranchNodeDto, BranchTreeDto, TreeQuery } from './branch.dto.js';
import { COUNT, DEPTH_MAX, TREE_PAGE, type TreeRow } from './tree.sql.js';

/** Where the first page begins: behind this. */
const START: TreePlace = { depth: -1, chatId: '00000000-0000-0000-0000-000000000000' };
const PLACE = /^\d{1,9}\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export interface TreePage {
  json: StatedJson;
  nextCursor: string | null;
}

/** The tree of a conversation, in pages. */
@Injectable()
export class BranchService {
  constructor(
    private readonly database: Database,
    private readonly roots: RootsService,
  ) {}

  /**
   * A page of the tree of the conversation that `chatId` belongs to, a `BranchTreeDto`: chats in
   * the order of their depth and making, which never changes, so that no page repeats or skips
   * while others write.
   * @throws chat_not_found; 422 for a cursor of another tree
   */
  async page(accountId: string, chatId: string, query: TreeQuery): Promise<TreePage> {
    const rootChatId = await this.roots.find(accountId, chatId);
    if (rootChatId === null) throw problems.chatNotFound();
    const { cursor, format = 'tree', limit = NODES_MAX, depth = DEPTH_MAX } = query;
    const after =
      cursor === undefined ? START : placeOf(decodeCursor(cursor, rootChatId, 'cursor', PLACE));
    const values = [
      accountId,
      chatId,
      rootChatId,
      after.depth,
      after.chatId,
      depth,
      limit + 1,
      format === 'tree',
    ];
    const rows = await this.database.query<TreeRow>(TREE_PAGE, values);
    const chats = new Map(rows.map((row) => [row.chatId, row]));
    const root = chats.get(rootChatId);
    if (!root) throw problems.chatNotFound();
    // An ancestor comes before what hangs under it, so all that is living and behind the place is
    // of the page or the first chat of the next.
    const found = [...chats.values()]
      .filter((row) => !row.deleted && inOrder(row, after) > 0)
      .sort(inOrder);
    const own = found.slice(0, limit);
    const { last, ...shown } = format === 'flat' ? flat(own, chats) : nested(own, root, chats);
    const nextCursor =
      last && last !== found.at(-1)
        ? encodeCursor(rootChatId, `${last.depth}.${last.chatId}`)
        : null;
    const page: BranchTreeDto = {
      root_chat_id: rootChatId,
      active_chat_id: root.activeChatId,
      total: root.total ?? (await this.count(accountId, root)),
      ...shown,
      ...(nextCursor !== null && { next_cursor: nextCursor }),
    };
    return { json: new StatedJson(JSON.stringify(page), treeState(root.eventSeq)), nextCursor };
  }

  private async count(accountId: string, { chatId, revision }: TreeRow): Promise<number> {
    const [counted] = await this.database.query<{ total: number }>(COUNT, [
      accountId,
      chatId,
      revision,
    ]);
    return counted!.total;
  }
}

function placeOf(key: string): TreePlace {
  const [depth, chatId] = key.split('.') as [string, string];
  return { depth: Number(depth), chatId };
}

type Chats = ReadonlyMap<string, TreeRow>;

function flat(
  own: readonly TreeRow[],
  chats: Chats,
): { items: BranchItemDto[]; last: TreeRow | undefined } {
  return { items: flatPage(own, chats).map(itemOf), last: own.at(-1) };
}

function nested(
  own: readonly TreeRow[],
  root: TreeRow,
  chats: Chats,
): { tree: BranchNodeDto; last: TreeRow | null } {
  const { tree, last } = nestedPage(own, root, chats);
  return { tree: nodeOf(tree), last };
}

const nodeOf = (branch: Branch<TreeRow>): BranchNodeDto => ({
  ...itemOf(branch),
  children: branch.children.map(nodeOf),
});

const itemOf = ({ chat, parentChatId }: Branch<TreeRow>): BranchItemDto => ({
  chat_id: chat.chatId,
  name: chat.name,
  parent_chat_id: parentChatId,
  fork_response_id: chat.forkResponseId,
  fork_seq: chat.forkSeq,
  active: chat.active,
  message_count: chat.lastSeq,
  created_at: chat.createdAt.toISOString(),
});
