import type { Statement } from '../../database/database.js';
import { CHAT_COLUMNS, LISTED_AS, LISTED_COLUMN } from './chat.columns.js';

export type { ChatView } from './chat.columns.js';

const FROM =
  'FROM chats c JOIN conversations v ON v.account_id = c.account_id AND v.chat_id = c.root_chat_id';
export const CHAT_VIEW = `SELECT ${CHAT_COLUMNS} ${FROM}`;

export const FIND_CHAT: Statement = {
  name: 'chat.find',
  text: `${CHAT_VIEW} WHERE c.account_id = $1 AND c.chat_id = $2 AND c.deleted_at IS NULL`,
};

export const FIND_ACTIVE: Statement = {
  name: 'chat.active',
  text: `
    SELECT a.chat_id FROM chats c
    JOIN chats a ON a.account_id = c.account_id AND a.root_chat_id = c.root_chat_id AND a.active AND a.deleted_at IS NULL
    WHERE c.account_id = $1 AND c.chat_id = $2 AND c.deleted_at IS NULL`,
};

const PAGE = `ORDER BY v.account_id, ${LISTED_AS} DESC LIMIT $6`;

/**
 * $1 account, $2 what the chat before is listed as, $3 archived, $4 pinned, $5 a pattern for the
 * name, $6 how many; null where nothing is asked for.
 */
export const LIST_CHATS: Statement = {
  name: 'chat.list',
  text: `SELECT ${CHAT_COLUMNS}, ${LISTED_COLUMN} ${FROM}
    WHERE v.account_id = $1 AND NOT v.deleted AND c.chat_id = c.root_chat_id
      AND ${LISTED_AS} < $2 AND ($3::boolean IS NULL OR v.archived = $3) AND ($4::boolean IS NULL OR v.pinned = $4)
      AND ($5::text IS NULL OR v.name ILIKE $5)
    ${PAGE}`,
};

/**
 * The same of those that the pair $7 started, and that have all terms $8 of metadata, if any.
 */
export const LIST_STARTED: Statement = {
  name: 'chat.list_started',
  text: `${LIST_CHATS.text.replace(PAGE, '')} AND v.started_by = $7 AND ($8::text[] IS NULL OR c.metadata_terms @> $8) ${PAGE}`,
};

/**
 * The same of those chats that have all terms $7 of metadata: they are found by these, and only
 * then looked at.
 */
export const LIST_CHATS_WITH: Statement = {
  name: 'chat.list_with',
  text: `WITH found AS MATERIALIZED (SELECT chat_id FROM chats WHERE account_id = $1 AND metadata_terms @> $7::text[])
    ${LIST_CHATS.text.replace(PAGE, '')} AND c.chat_id IN (SELECT chat_id FROM found) ${PAGE}`,
};
