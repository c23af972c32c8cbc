import type { DataSource, EntityManager } from 'typeorm';
import { type Check, columnsOf, type Finding } from '../check.js';

interface Key {
  account_id: string;
  chat_id: string;
}

interface Row extends Key {
  deleted: boolean;
  event_seq: number;
  root_found: boolean;
  root_deleted: boolean;
  living: number;
  active: number;
  events: number;
  first_event: number | null;
  last_event: number | null;
  announced: number;
  pairs: number;
}

const WINDOW = `
  SELECT account_id, chat_id FROM conversations
  WHERE $1::uuid IS NULL OR (account_id, chat_id) > ($1::uuid, $2::uuid) ORDER BY account_id, chat_id LIMIT 500`;

const INSPECT = `
  SELECT v.account_id, v.chat_id, v.deleted, v.event_seq, root.chat_id IS NOT NULL AS root_found, root.deleted_at IS NOT NULL AS root_deleted,
    tree.living, tree.active, tree.pairs, event.events, event.first_event, event.last_event, event.announced
  FROM unnest($1::uuid[], $2::uuid[]) AS wanted (account_id, chat_id)
  JOIN conversations v ON v.account_id = wanted.account_id AND v.chat_id = wanted.chat_id
  LEFT JOIN chats root ON root.account_id = v.account_id AND root.chat_id = v.chat_id
  CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE c.deleted_at IS NULL)::int AS living,
      count(*) FILTER (WHERE c.active AND c.deleted_at IS NULL)::int AS active, coalesce(sum(own.pairs), 0)::int AS pairs
    FROM chats c
    CROSS JOIN LATERAL (SELECT count(*) AS pairs FROM messages m WHERE m.account_id = c.account_id AND m.chat_id = c.chat_id) own
    WHERE c.account_id = v.account_id AND c.root_chat_id = v.chat_id
  ) tree
  CROSS JOIN LATERAL (
    SELECT count(*)::int AS events, min(e.seq) AS first_event, max(e.seq) AS last_event,
      count(*) FILTER (WHERE e.type = 'message.created')::int AS announced
    FROM events e WHERE e.account_id = v.account_id AND e.root_chat_id = v.chat_id
  ) event`;

/** I7 and I8: one entry in a person's list. */
export function conversationsCheck(dataSource: DataSource): Check<Key> {
  return {
    of: 'conversations',
    invariants: ['I7', 'I8'],
    window: (after) =>
      dataSource.query<Key[]>(WINDOW, [after?.account_id ?? null, after?.chat_id ?? null]),
    async inspect(keys) {
      const rows = await dataSource.query<Row[]>(
        INSPECT,
        columnsOf(keys, ['account_id', 'chat_id']),
      );
      return rows.flatMap((row) => [
        ...activeFaults(dataSource, row),
        ...eventFaults(dataSource, row),
      ]);
    },
  };
}

function activeFaults(dataSource: DataSource, row: Row): Finding<Key>[] {
  const key = { account_id: row.account_id, chat_id: row.chat_id };
  const found = (what: string, ids = {}): Finding<Key> => ({
    invariant: 'I7',
    key,
    what,
    ids: { ...key, ...ids },
  });
  if (!row.root_found) return [found('the root of a conversation is missing')];
  if (row.deleted !== row.root_deleted)
    return [found('a conversation is deleted and its root is not, or the other way round')];
  if (row.deleted)
    return row.living > 0
      ? [found('a deleted conversation has living chats', { living: row.living })]
      : [];
  if (row.active === 1) return [];
  return [
    {
      ...found('a conversation has not exactly one active chat', { active: row.active }),
      mend: () => chooseActive(dataSource, key),
    },
  ];
}

function eventFaults(dataSource: DataSource, row: Row): Finding<Key>[] {
  const key = { account_id: row.account_id, chat_id: row.chat_id };
  const { events, event_seq, announced, pairs } = row;
  const last = row.last_event ?? 0;
  const faults: Finding<Key>[] = [];
  const add = (what: string, ids: Finding['ids'], mend?: Finding['mend']): void =>
    void faults.push({ invariant: 'I8', key, what, ids: { ...key, ...ids }, mend });
  if (events !== last || (row.first_event ?? 1) !== 1)
    add('the events of a conversation have a gap', { events, last });
  else if (event_seq !== last)
    add('event_seq is not the number of the last event', { event_seq, last }, () =>
      recount(dataSource, key),
    );
  // Purged pairs leave their events behind, so there may be more of these.
  if (announced < pairs)
    add('a conversation has more pairs than events of their making', { announced, pairs });
  return faults;
}

async function recount(dataSource: DataSource, { account_id, chat_id }: Key): Promise<boolean> {
  await dataSource.transaction(async (tx) => {
    // Locked first: an append between the count and the update would be given a number that exists.
    await tx.query(`SELECT FROM conversations WHERE account_id = $1 AND chat_id = $2 FOR UPDATE`, [
      account_id,
      chat_id,
    ]);
    await tx.query(
      `UPDATE conversations v SET event_seq = coalesce((SELECT max(seq) FROM events e WHERE e.account_id = $1 AND e.root_chat_id = $2), 0)
       WHERE v.account_id = $1 AND v.chat_id = $2`,
      [account_id, chat_id],
    );
  });
  return true;
}

const LOCK_TREE = `SELECT chat_id FROM chats WHERE account_id = $1 AND root_chat_id = $2 ORDER BY depth, chat_id FOR UPDATE`;

/**
 * Living ancestors of every chat that is marked active, and these chats themselves; the deepest of
 * them is the nearest.
 */
const HEIR = `
  WITH RECURSIVE up AS (
    SELECT c.chat_id, c.parent_chat_id, c.depth, c.deleted_at FROM chats c WHERE c.account_id = $1 AND c.root_chat_id = $2 AND c.active
    UNION
    SELECT p.chat_id, p.parent_chat_id, p.depth, p.deleted_at FROM up JOIN chats p ON p.account_id = $1 AND p.chat_id = up.parent_chat_id
  )
  SELECT chat_id FROM up WHERE deleted_at IS NULL ORDER BY depth DESC, chat_id LIMIT 1`;

/** The chat that was active, or its nearest living ancestor, or else the root. */
async function chooseActive(
  dataSource: DataSource,
  { account_id, chat_id: rootId }: Key,
): Promise<boolean> {
  await dataSource.transaction(async (tx) => {
    await tx.query(LOCK_TREE, [account_id, rootId]);
    const [heir] = await tx.query<{ chat_id: string }[]>(HEIR, [account_id, rootId]);
    await activateOnly(tx, account_id, rootId, heir?.chat_id ?? rootId);
  });
  return true;
}

async function activateOnly(
  tx: EntityManager,
  accountId: string,
  rootId: string,
  chatId: string,
): Promise<void> {
  const tree = [accountId, rootId];
  await tx.query(
    `UPDATE chats SET active = false WHERE account_id = $1 AND root_chat_id = $2 AND active`,
    tree,
  );
  await tx.query(
    `UPDATE chats SET active = true WHERE account_id = $1 AND root_chat_id = $2 AND chat_id = $3`,
    [...tree, chatId],
  );
  // Clients know what they read by this number.
  await tx.query(
    `UPDATE conversations SET revision = revision + 1 WHERE account_id = $1 AND chat_id = $2`,
    tree,
  );
}
