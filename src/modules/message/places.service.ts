import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Database, type Statement } from '../../database/database.js';
import { callIdsOf, type Part } from '../../tree/parts.js';
import { ChatService, type NewChat } from '../chat/chat.service.js';
import type { ChatView } from '../chat/chat.columns.js';
import { ForkService } from '../chat/fork.service.js';
import { STRETCH_CTE } from '../chat/lineage.sql.js';
import type { Append, Draft, ForkTarget } from './append.service.js';

/** A result for a call that nobody made on its path. */
export interface StrayResult {
  /** Where it is among the drafts of the append: `question_parts.0.call_id`. */
  path: string;
  callId: string;
}

/** What the path of a chat says of calls. */
interface CallsRow extends Record<string, unknown> {
  /** Those that are not made on it. */
  missing: string[];
  /** Whether an answer is being written at its end, which may make them still. */
  busy: boolean;
}

/**
 * Which of some calls ($4) are made nowhere on the path of a chat, up to the pair $3 where one is
 * named. Pairs that make calls are few and have an index of their own, which is read from the
 * newest on.
 */
const MISSING_CALLS: Statement = {
  name: 'append.missing_calls',
  text: `
    WITH RECURSIVE win AS (
      SELECT c.chat_id, c.fork_seq, c.parent_chat_id, c.jump_chat_id, c.generation_id, 1 AS lo,
        coalesce((SELECT m.seq FROM messages m WHERE m.account_id = $1 AND m.response_id = $3::uuid), c.last_seq) AS hi
      FROM chats c WHERE c.account_id = $1 AND c.chat_id = $2 AND c.deleted_at IS NULL
    ),
    ${STRETCH_CTE}
    SELECT win.generation_id IS NOT NULL AS busy, ARRAY(
      SELECT call.id FROM unnest($4::text[]) AS call (id) WHERE NOT EXISTS (
        SELECT FROM stretch s CROSS JOIN LATERAL (
          SELECT FROM messages m
          WHERE m.account_id = $1 AND m.chat_id = s.chat_id AND m.seq BETWEEN s.lo AND s.hi
            AND m.call_ids IS NOT NULL AND call.id = ANY (m.call_ids)
          ORDER BY m.seq DESC LIMIT 1
        ) made
      )
    ) AS missing
    FROM win`,
};

/** Where pairs go: chats as they are, and those that are made for them. */
@Injectable()
export class Places {
  constructor(
    private readonly chats: ChatService,
    private readonly forks: ForkService,
    private readonly database: Database,
  ) {}

  /** @throws chat_not_found, message_not_found */
  fork(
    tx: EntityManager,
    accountId: string,
    { chatId, behind, activate }: ForkTarget,
  ): Promise<{ chat_id: string }> {
    return this.forks.fork(tx, accountId, chatId, { response_id: behind, activate });
  }

  begin(tx: EntityManager, accountId: string, chat: NewChat): Promise<ChatView> {
    return this.chats.create(tx, accountId, chat);
  }

  /**
   * The first result in the drafts for a call that is made neither by them nor on their path; null
   * where there is none. Asks PostgreSQL only where a result stands that is not of their own calls.
   * `busy`: an answer is being written there that may make it.
   */
  strayResult(append: Append): Promise<(StrayResult & { busy: boolean }) | null> | null {
    const open = openResults(append.drafts);
    return open.length === 0 ? null : this.strayOf(append, open);
  }

  private async strayOf(
    append: Append,
    open: readonly StrayResult[],
  ): Promise<(StrayResult & { busy: boolean }) | null> {
    const { missing, busy } = await this.missing(append, [
      ...new Set(open.map(({ callId }) => callId)),
    ]);
    const stray = open.find(({ callId }) => missing.includes(callId));
    return stray ? { ...stray, busy } : null;
  }

  private async missing({ accountId, to }: Append, callIds: string[]): Promise<CallsRow> {
    if ('chat' in to) return { missing: callIds, busy: false };
    const upTo = 'behind' in to ? to.behind : to.parent;
    if (upTo === null) return { missing: callIds, busy: false };
    const [row] = await this.database.query<CallsRow>(MISSING_CALLS, [
      accountId,
      to.chatId,
      upTo ?? null,
      callIds,
    ]);
    // A chat that is not there is told by whoever writes.
    return row ?? { missing: [], busy: false };
  }
}

/** The results in some drafts, in order, for calls that none of the drafts makes before. */
function openResults(drafts: readonly Draft[]): StrayResult[] {
  const made = new Set<string>();
  const found: StrayResult[] = [];
  const look = (parts: readonly Part[] | null | undefined, path: string): void => {
    for (const [n, part] of (parts ?? []).entries())
      if (part.type === 'tool_result' && !made.has(part.call_id))
        found.push({ path: `${path}.${n}.call_id`, callId: part.call_id });
  };
  for (const [n, { said, response_parts }] of drafts.entries()) {
    const prefix = drafts.length > 1 ? `pairs.${n}.` : '';
    look(said.question_parts, `${prefix}question_parts`);
    for (const callId of callIdsOf(response_parts) ?? []) made.add(callId);
    look(response_parts, `${prefix}response_parts`);
  }
  return found;
}
