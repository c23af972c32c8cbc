import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { newId } from '../../common/ids.js';
import { problems } from '../../common/problems.js';
import { ContentStore } from '../../content/content-store.js';
import { afterCommit, Database, type Statement } from '../../database/database.js';
import type { IdempotentRequest } from '../../database/idempotency.js';
import { recordChanges } from '../../events/changes.js';
import { EventDispatcher } from '../../events/event-dispatcher.js';
import { jumpOfChild, type Link } from '../../tree/lineage.js';
import { chatJson, type ChatView, INHERITED } from './chat.columns.js';
import { findIn } from './chat.service.js';
import { type Fork, forkStatement, forkValues } from './fork.sql.js';
import { STRETCH_CTE } from './lineage.sql.js';
import { RootsService } from './roots.service.js';
import type { MessageStatus } from './message.entity.js';
import { TreeChanges } from './tree-changes.service.js';
import { holdTree, lockTree, switchActive } from './tree-lock.js';
import { isUniqueViolation } from '../../runtime/pg-errors.js';

export interface NewBranch {
  /** The pair to branch from; null = before the first pair. */
  response_id: string | null;
  name?: string | null;
  activate?: boolean;
}

/**
 * The owner of a pair, if the pair is on the path: then it is the chat whose stretch of the path
 * has the pair's `seq`.
 */
const FORK_POINT = `
  WITH RECURSIVE win AS (
    SELECT c.*, m.seq AS lo, m.seq AS hi
    FROM chats c JOIN messages m ON m.account_id = $1 AND m.response_id = $3 AND m.root_chat_id = c.root_chat_id AND m.seq <= c.last_seq
    WHERE c.account_id = $1 AND c.chat_id = $2
  ),
  ${STRETCH_CTE}
  SELECT m.chat_id, m.seq, m.status FROM stretch s JOIN messages m ON m.account_id = $1 AND m.response_id = $3 AND m.chat_id = s.chat_id`;

/** A chat, the one its jump pointer leads to, and the one that that one's leads to. */
const LINKS = `
  SELECT c.chat_id AS "chatId", c.parent_chat_id AS "parentChatId", c.fork_seq AS "forkSeq", c.depth, c.jump_chat_id AS "jumpChatId"
  FROM chats o
  JOIN chats j ON j.account_id = $1 AND j.chat_id = o.jump_chat_id
  JOIN chats c ON c.account_id = $1 AND c.chat_id IN (o.chat_id, j.chat_id, j.jump_chat_id)
  WHERE o.account_id = $1 AND o.chat_id = $2`;

const INSERT_BRANCH = `
  INSERT INTO chats (account_id, chat_id, root_chat_id, parent_chat_id, created_from_chat_id, fork_seq, fork_response_id, depth, jump_chat_id,
    name, last_seq, last_response_id, created_at, updated_at, ${INHERITED.join(', ')})
  SELECT account_id, $3, root_chat_id, $4, chat_id, $5, $6, $7, $8, $9, $5, $6, $10, $10, ${INHERITED.join(', ')}
  FROM chats WHERE account_id = $1 AND chat_id = $2`;

const BORN = ['branch.created'] as const;
const BORN_ACTIVE = [...BORN, 'branch.activated'] as const;

/**
 * Makes branches. A branch costs one row, whatever the length of the chat: history is never copied.
 */
@Injectable()
export class ForkService {
  private readonly statement: Statement;

  constructor(
    private readonly content: ContentStore,
    private readonly database: Database,
    private readonly events: EventDispatcher,
    private readonly roots: RootsService,
    private readonly trees: TreeChanges,
  ) {
    this.statement = forkStatement(content.table);
  }

  /**
   * Makes a branch, once for each key; answers the JSON of a `ChatDto`. One statement, where
   * nothing is in the way. @throws like `fork`
   */
  async make(
    accountId: string,
    chatId: string,
    idempotent: IdempotentRequest | null,
    branch: NewBranch,
  ): Promise<string> {
    const { response_id: responseId, name = null, activate } = branch;
    const fork = {
      accountId,
      chatId,
      branchId: newId(),
      responseId,
      name,
      createdAt: new Date(),
      idempotent,
    };
    const made = activate
      ? null
      : await this.trees.inTurn(accountId, chatId, (rootChatId) =>
          this.makeAtOnce({ ...fork, rootChatId }),
        );
    return (
      made ??
      this.trees.once(accountId, chatId, idempotent, async (tx) =>
        chatJson(await this.fork(tx, accountId, chatId, branch)),
      )
    );
  }

  /**
   * Null when something is in the way: the chat or the pair is not there, its answer is being
   * written, the key was used, others were quicker.
   */
  private async makeAtOnce(fork: Fork): Promise<string | null> {
    try {
      const [made] = await this.database.query<{ answer: string }>(
        this.statement,
        forkValues(fork),
      );
      if (!made) return null;
      this.events.changed(fork.accountId, fork.rootChatId);
      this.roots.learn(fork.accountId, fork.branchId, fork.rootChatId);
      return made.answer;
    } catch (error) {
      if (fork.idempotent && isUniqueViolation(error)) return null;
      throw error;
    }
  }

  /**
   * Branches from a pair that `chatId` can see; the branch hangs under the chat that owns the pair.
   * @throws chat_not_found; message_not_found when the pair is not on this path;
   * generation_in_progress while its answer is being written
   */
  async fork(
    tx: EntityManager,
    accountId: string,
    chatId: string,
    { response_id, name = null, activate }: NewBranch,
  ): Promise<ChatView> {
    // A branch that becomes active changes other chats; any other must only not come into a tree
    // that is being deleted.
    await (activate ? lockTree : holdTree)(tx, accountId, chatId);
    const here = await findIn(tx, accountId, chatId, 'FOR SHARE OF c');
    const { ownerId, seq } =
      response_id === null
        ? { ownerId: here.root_chat_id, seq: 0 }
        : await forkPoint(tx, here, response_id);
    const { parent, jump } = await placeUnder(tx, accountId, ownerId);
    const branchId = newId();
    const now = new Date();
    const place = [parent.chatId, seq, response_id, parent.depth + 1, jump];
    await tx.query(INSERT_BRANCH, [accountId, chatId, branchId, ...place, name, now]);
    if (activate) await switchActive(tx, accountId, here.root_chat_id, branchId);
    const changes = (activate ? BORN_ACTIVE : BORN).map((type) => ({ type, chatId: branchId }));
    await recordChanges(
      tx,
      { accountId, rootChatId: here.root_chat_id, createdAt: now },
      changes,
      1,
    );
    if (response_id !== null) await this.content.askForBranches(tx, accountId, [response_id]);
    afterCommit(tx, () => this.roots.learn(accountId, branchId, here.root_chat_id));
    return findIn(tx, accountId, branchId);
  }
}

async function forkPoint(
  tx: EntityManager,
  here: ChatView,
  responseId: string,
): Promise<{ ownerId: string; seq: number }> {
  const [found] = await tx.query<{ chat_id: string; seq: number; status: MessageStatus }[]>(
    FORK_POINT,
    [here.account_id, here.chat_id, responseId],
  );
  if (!found) throw problems.messageNotFound();
  // What a branch inherits never changes under it, and this answer is still being written.
  if (found.status === 'streaming')
    throw problems.generationInProgress({ headers: { 'retry-after': '2' } });
  return { ownerId: found.chat_id, seq: found.seq };
}

/** The chat to hang a branch under, and where the jump pointer of such a branch goes. */
async function placeUnder(
  tx: EntityManager,
  accountId: string,
  ownerId: string,
): Promise<{ parent: Link; jump: string }> {
  const rows = await tx.query<Link[]>(LINKS, [accountId, ownerId]);
  const links = new Map(rows.map((link) => [link.chatId, link]));
  const parent = links.get(ownerId)!;
  return { parent, jump: jumpOfChild(parent, (id) => links.get(id)!) };
}
