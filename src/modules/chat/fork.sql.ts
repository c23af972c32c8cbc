import type { ContentStore } from '../../content/content-store.js';
import { mirrorPart } from '../../content/mirror.js';
import type { Statement } from '../../database/database.js';
import { AFTER_KEYS, type IdempotentRequest, keysPart } from '../../database/idempotency.js';
import { countAlong } from '../../events/changes.js';
import { CHAT_JSON_COLUMNS, INHERITED } from './chat.columns.js';
import { STRETCH_CTE } from './lineage.sql.js';

/** A branch that is to be made, and is not to become active. */
export interface Fork {
  accountId: string;
  /** Where the person stands. */
  chatId: string;
  rootChatId: string;
  branchId: string;
  /** The pair to branch from; null = before the first pair. */
  responseId: string | null;
  name: string | null;
  createdAt: Date;
  idempotent: IdempotentRequest | null;
}

export const forkValues = ({
  accountId,
  chatId,
  responseId,
  rootChatId,
  branchId,
  name,
  createdAt,
  idempotent,
}: Fork): unknown[] => [
  ...[accountId, chatId, responseId, rootChatId, branchId, name, createdAt.toISOString()],
  ...[idempotent?.scope ?? null, idempotent?.key ?? null, idempotent?.fingerprint ?? null],
];

/**
 * A `ChatDto` of a new branch, as text: compact, as `JSON.stringify` writes it. A test holds it to
 * `chatJson`.
 */
const ANSWER = `
  SELECT row_to_json(dto)::text AS answer FROM (SELECT ${CHAT_JSON_COLUMNS} FROM branch c CROSS JOIN conversation v) dto`;

const KEYS = keysPart('', ['$1::uuid', '$8::text', '$9::text']);

/** A look-up by key, whatever PostgreSQL believes about the table. */
const linkAt = (chatId: string): string =>
  `CROSS JOIN LATERAL (SELECT chat_id, depth, jump_chat_id FROM chats WHERE account_id = $1 AND chat_id = ${chatId} LIMIT 1)`;

/**
 * The fork: rights, fork point, place in the tree, row, event, count, the answer for the key and
 * the request for the mirror in one statement, so in one transaction and one round trip. $1
 * account, $2 chat, $3 pair or null, $4 root, $5 branch, $6 name, $7 now, $8 to $10 scope, key and
 * fingerprint.
 *
 * It locks in the order of all: the key, the root (`tree-lock.ts`), the chat in which the person
 * stands, the conversation. What it reads of other rows is as old as its beginning; after a wait
 * for the chat's row that is too old, which is seen by the chat's `revision`. Then, and when
 * anything else is in the way, there is no row, nothing has happened, and a transaction finds out
 * why. A key that is taken meanwhile breaks the statement by its primary key.
 *
 * `place` is `jumpOfChild` of `tree/lineage.ts`; a property test holds the two to each other.
 */
export const forkStatement = (table: ContentStore['table']): Statement => ({
  name: `chat.fork.${table}`,
  text: `
    WITH RECURSIVE ${KEYS}
    root AS MATERIALIZED (SELECT chat_id FROM chats WHERE account_id = $1 AND chat_id = $4 AND ${AFTER_KEYS} FOR SHARE),
    here AS MATERIALIZED (
      SELECT c.* FROM root JOIN chats c ON c.account_id = $1 AND c.chat_id = $2
      WHERE c.root_chat_id = $4 AND c.deleted_at IS NULL FOR SHARE OF c
    ),
    win AS (
      SELECT here.*, m.seq AS lo, m.seq AS hi, m.chat_id AS owner_id FROM here CROSS JOIN LATERAL (
        SELECT chat_id, seq FROM messages
        WHERE account_id = $1 AND response_id = $3 AND root_chat_id = $4 AND seq <= here.last_seq AND status <> 'streaming' LIMIT 1
      ) m
    ),
    ${STRETCH_CTE},
    point AS (
      SELECT s.chat_id, s.hi AS seq FROM stretch s JOIN win ON win.owner_id = s.chat_id
      UNION ALL
      SELECT root.chat_id, 0 FROM root WHERE $3::uuid IS NULL
    ),
    place AS (
      SELECT point.chat_id, point.seq, o.depth + 1 AS depth,
        CASE WHEN o.depth - j.depth = j.depth - jj.depth THEN jj.chat_id ELSE o.chat_id END AS jump_chat_id
      FROM point
      ${linkAt('point.chat_id')} o
      ${linkAt('o.jump_chat_id')} j
      ${linkAt('j.jump_chat_id')} jj
    ),
    branch AS (
      INSERT INTO chats (account_id, chat_id, root_chat_id, parent_chat_id, created_from_chat_id, fork_seq, fork_response_id, depth, jump_chat_id,
        name, last_seq, last_response_id, created_at, updated_at, ${INHERITED.join(', ')})
      SELECT $1, $5, $4, place.chat_id, $2, place.seq, $3, place.depth, place.jump_chat_id, $6::text, place.seq, $3, $7::text::timestamptz,
        $7::text::timestamptz, ${INHERITED.map((name) => `here.${name}`).join(', ')}
      FROM here CROSS JOIN place
      WHERE here.revision = (SELECT revision FROM chats WHERE account_id = $1 AND chat_id = $2)
        AND ($9::text IS NULL OR NOT EXISTS (SELECT FROM idempotency_keys k WHERE k.account_id = $1 AND k.scope = $8::text AND k.key = $9::text))
      RETURNING *
    ),
    conversation AS (
      UPDATE conversations v SET event_seq = v.event_seq + 1, revision = v.revision + 1, ${countAlong('1', 'v')}
      FROM branch WHERE v.account_id = $1 AND v.chat_id = $4
      RETURNING v.event_seq, v.revision, v.pinned, v.archived, v.started_by
    ),
    event AS (
      INSERT INTO events (account_id, root_chat_id, seq, type, chat_id, created_at)
      SELECT $1, $4, event_seq, 'branch.created', $5, $7::text::timestamptz FROM conversation
    ),${mirrorPart(table, 'messages CROSS JOIN conversation', 'response_id = $3')}
    made AS (${ANSWER}),
    key AS (
      INSERT INTO idempotency_keys (account_id, scope, key, fingerprint, status, answer, created_at)
      SELECT $1, $8::text, $9::text, $10::bytea, 201, answer, now() FROM made WHERE $9::text IS NOT NULL
    )
    SELECT answer FROM made`,
});
