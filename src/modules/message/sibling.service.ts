import { Injectable } from '@nestjs/common';
import { Database, type Statement } from '../../database/database.js';
import { stretchCte } from '../chat/lineage.sql.js';
import { pairJson } from '../chat/pair.js';
import { PathService } from '../chat/path.service.js';

interface Sibling extends Record<string, unknown> {
  chat_id: string;
  response_id: string;
  seq: number;
  active: boolean;
}

/**
 * The pairs at `seq` $4 that follow the same pair as $3 does on the path of the chat $2: that of the chat which owns the place before it, and
 * those of the branches made there. Before the first pair the root owns the place. A pair that is read by a branch shows itself even if its
 * owner is deleted. Active is the one on the path of the active branch.
 */
const SIBLINGS: Statement = {
  name: 'message.siblings',
  text: `
    WITH RECURSIVE tip AS (SELECT c.*, $4::int - 1 AS lo, $4::int - 1 AS hi FROM chats c WHERE c.account_id = $1 AND c.chat_id = $2),
    ${stretchCte('tip', 'before')},
    active AS (
      SELECT a.*, $4::int AS lo, least(a.last_seq, $4::int) AS hi
      FROM tip JOIN chats a ON a.account_id = $1 AND a.root_chat_id = tip.root_chat_id AND a.active AND a.deleted_at IS NULL
    ),
    ${stretchCte('active', 'shown')},
    place AS (SELECT coalesce((SELECT chat_id FROM before WHERE $4::int > 1), root_chat_id) AS chat_id FROM tip),
    candidate AS (
      SELECT c.chat_id, c.deleted_at FROM place JOIN chats c ON c.account_id = $1 AND c.chat_id = place.chat_id
      UNION ALL
      SELECT c.chat_id, c.deleted_at FROM place JOIN chats c
        ON c.account_id = $1 AND c.parent_chat_id = place.chat_id AND c.fork_seq = $4::int - 1
    )
    SELECT m.chat_id, m.response_id, m.seq, coalesce(m.chat_id = (SELECT chat_id FROM shown), false) AS active
    FROM candidate c JOIN messages m ON m.account_id = $1 AND m.chat_id = c.chat_id AND m.seq = $4::int
    WHERE c.deleted_at IS NULL OR m.response_id = $3
    ORDER BY m.response_id`,
};

/** One pair among the other continuations of its place: what a branch picker needs. */
@Injectable()
export class SiblingService {
  constructor(
    private readonly database: Database,
    private readonly paths: PathService,
  ) {}

  /** The JSON of a `QaPairWithSiblingsDto`. @throws chat_not_found, message_not_found, content_unavailable */
  async read(accountId: string, chatId: string, responseId: string): Promise<string> {
    const pair = await this.paths.pair(accountId, chatId, responseId);
    const siblings = await this.database.query<Sibling>(SIBLINGS, [accountId, chatId, responseId, pair.seq]);
    return `${pairJson(pair).slice(0, -1)},"siblings":${JSON.stringify(siblings)}}`;
  }
}
