import type { DataSource } from 'typeorm';
import { jumpOfChild, type Link } from '../../tree/lineage.js';
import { type Check, columnsOf, type Finding } from '../check.js';

interface Key {
  account_id: string;
  chat_id: string;
}

/**
 * A chat with all that must fit to it. `parent`, `jump` and `jump_of_jump` are the parent and where
 * the parent's pointers lead.
 */
interface Row extends Key {
  root_chat_id: string;
  parent_chat_id: string | null;
  fork_seq: number;
  fork_response_id: string | null;
  depth: number;
  jump_chat_id: string;
  last_seq: number;
  last_response_id: string | null;
  has_conversation: boolean;
  parent: Link | null;
  parent_root: string | null;
  jump: Link | null;
  jump_of_jump: Link | null;
  /** The pair of the parent at `fork_seq`. */
  fork_point: string | null;
  pairs: number;
  first_seq: number | null;
  newest_seq: number | null;
  newest_id: string | null;
  strays: number;
}

const WINDOW = `
  SELECT account_id, chat_id FROM chats
  WHERE $1::uuid IS NULL OR (account_id, chat_id) > ($1::uuid, $2::uuid) ORDER BY account_id, chat_id LIMIT 1000`;

const link = (alias: string): string => `
  CASE WHEN ${alias}.chat_id IS NULL THEN NULL ELSE jsonb_build_object('chatId', ${alias}.chat_id, 'parentChatId', ${alias}.parent_chat_id,
    'forkSeq', ${alias}.fork_seq, 'depth', ${alias}.depth, 'jumpChatId', ${alias}.jump_chat_id) END`;

const INSPECT = `
  SELECT c.account_id, c.chat_id, c.root_chat_id, c.parent_chat_id, c.fork_seq, c.fork_response_id, c.depth, c.jump_chat_id, c.last_seq,
    c.last_response_id, v.chat_id IS NOT NULL AS has_conversation, ${link('p')} AS parent, p.root_chat_id AS parent_root,
    ${link('j')} AS jump, ${link('jj')} AS jump_of_jump, f.response_id AS fork_point,
    own.pairs, own.first_seq, own.newest_seq, own.strays, newest.response_id AS newest_id
  FROM unnest($1::uuid[], $2::uuid[]) AS wanted (account_id, chat_id)
  JOIN chats c ON c.account_id = wanted.account_id AND c.chat_id = wanted.chat_id
  LEFT JOIN conversations v ON v.account_id = c.account_id AND v.chat_id = c.root_chat_id
  LEFT JOIN chats p ON p.account_id = c.account_id AND p.chat_id = c.parent_chat_id
  LEFT JOIN chats j ON j.account_id = c.account_id AND j.chat_id = p.jump_chat_id
  LEFT JOIN chats jj ON jj.account_id = c.account_id AND jj.chat_id = j.jump_chat_id
  LEFT JOIN messages f ON f.account_id = c.account_id AND f.chat_id = c.parent_chat_id AND f.seq = c.fork_seq
  CROSS JOIN LATERAL (
    SELECT count(*)::int AS pairs, min(m.seq) AS first_seq, max(m.seq) AS newest_seq,
      count(*) FILTER (WHERE m.root_chat_id <> c.root_chat_id)::int AS strays
    FROM messages m WHERE m.account_id = c.account_id AND m.chat_id = c.chat_id
  ) own
  LEFT JOIN messages newest ON newest.account_id = c.account_id AND newest.chat_id = c.chat_id AND newest.seq = own.newest_seq`;

/** I5 and I6: order within a chat, and where it hangs. */
export function chatsCheck(dataSource: DataSource): Check<Key> {
  return {
    of: 'chats',
    invariants: ['I5', 'I6'],
    window: (after) =>
      dataSource.query<Key[]>(WINDOW, [after?.account_id ?? null, after?.chat_id ?? null]),
    async inspect(keys) {
      const rows = await dataSource.query<Row[]>(
        INSPECT,
        columnsOf(keys, ['account_id', 'chat_id']),
      );
      return rows.flatMap((row) => [
        ...orderFaults(dataSource, row),
        ...placeFaults(dataSource, row),
      ]);
    },
  };
}

const keyOf = ({ account_id, chat_id }: Key): Key => ({ account_id, chat_id });

function orderFaults(dataSource: DataSource, row: Row): Finding<Key>[] {
  const key = keyOf(row);
  const { pairs, fork_seq, last_seq, strays } = row;
  const newest = row.newest_seq ?? fork_seq;
  const faults: Finding<Key>[] = [];
  const add = (what: string, ids: Finding['ids'], mend?: Finding['mend']): void =>
    void faults.push({ invariant: 'I5', key, what, ids: { ...key, ...ids }, mend });
  if (strays > 0) add('pairs of a chat name another conversation than it does', { strays });
  if ((row.first_seq ?? fork_seq + 1) !== fork_seq + 1 || pairs !== newest - fork_seq) {
    add('the pairs of a chat do not follow its fork point one by one', {
      fork_seq,
      first_seq: row.first_seq,
      newest_seq: newest,
      pairs,
    });
  } else if (
    last_seq !== newest ||
    row.last_response_id !== (row.newest_id ?? row.fork_response_id)
  ) {
    add(
      'last_seq or last_response_id is not the newest pair',
      { last_seq, newest_seq: newest },
      () => recount(dataSource, key),
    );
  }
  return faults;
}

const RECOUNT = `
  UPDATE chats c SET (last_seq, last_response_id) = (
    SELECT coalesce(max(m.seq), c.fork_seq), coalesce((array_agg(m.response_id ORDER BY m.seq DESC))[1], c.fork_response_id)
    FROM messages m WHERE m.account_id = c.account_id AND m.chat_id = c.chat_id
  ), revision = revision + 1
  WHERE c.account_id = $1 AND c.chat_id = $2`;

/** The lock first: an append between the reading and the writing would be forgotten. */
async function recount(dataSource: DataSource, { account_id, chat_id }: Key): Promise<boolean> {
  await dataSource.transaction(async (tx) => {
    await tx.query(`SELECT FROM chats WHERE account_id = $1 AND chat_id = $2 FOR UPDATE`, [
      account_id,
      chat_id,
    ]);
    await tx.query(RECOUNT, [account_id, chat_id]);
  });
  return true;
}

function placeFaults(dataSource: DataSource, row: Row): Finding<Key>[] {
  const key = keyOf(row);
  const found = (
    what: string,
    ids: Finding['ids'] = {},
    mend?: Finding['mend'],
  ): Finding<Key>[] => [{ invariant: 'I6', key, what, ids: { ...key, ...ids }, mend }];
  if (!row.has_conversation)
    return found('a chat belongs to no conversation', { root_chat_id: row.root_chat_id });
  if (row.parent_chat_id === null)
    return isRoot(row) ? [] : found('a chat without a parent is not like a root');
  if (!row.parent)
    return found('the parent of a branch is missing', { parent_chat_id: row.parent_chat_id });
  if (row.parent_root !== row.root_chat_id)
    return found('a branch hangs in another conversation than its parent');
  const misplaced = forkFault(row);
  if (misplaced)
    return found(misplaced, { parent_chat_id: row.parent_chat_id, fork_seq: row.fork_seq });
  // Every step to a parent lessens the depth by one, so that no chat is its own ancestor.
  const depth = row.parent.depth + 1;
  const jump =
    row.jump && row.jump_of_jump ? expectedJump(row.parent, row.jump, row.jump_of_jump) : null;
  if (row.depth === depth && row.jump_chat_id === jump) return [];
  const mend = jump === null ? undefined : () => setPlace(dataSource, key, depth, jump);
  return found(
    'depth or jump pointer of a branch is wrong',
    { depth: row.depth, jump_chat_id: row.jump_chat_id },
    mend,
  );
}

const isRoot = (row: Row): boolean =>
  row.root_chat_id === row.chat_id &&
  row.jump_chat_id === row.chat_id &&
  row.fork_seq === 0 &&
  row.fork_response_id === null &&
  row.depth === 0;

/**
 * A branch before the first pair hangs at the root; any other at a pair that the parent itself
 * owns.
 */
function forkFault({
  fork_seq,
  fork_response_id,
  fork_point,
  parent,
  parent_chat_id,
  root_chat_id,
}: Row): string | null {
  if (fork_seq === 0) {
    return fork_response_id === null && parent_chat_id === root_chat_id
      ? null
      : 'a branch before the first pair does not hang at the root';
  }
  if (fork_seq <= parent!.forkSeq) return 'a branch hangs at a pair that its parent does not own';
  return fork_point !== null && fork_point === fork_response_id
    ? null
    : 'the fork point of a branch is missing or another pair';
}

function expectedJump(parent: Link, jump: Link, jumpOfJump: Link): string {
  const links = new Map([jumpOfJump, jump, parent].map((one) => [one.chatId, one]));
  return jumpOfChild(parent, (id) => links.get(id)!);
}

async function setPlace(
  dataSource: DataSource,
  { account_id, chat_id }: Key,
  depth: number,
  jump: string,
): Promise<boolean> {
  const set = `UPDATE chats SET depth = $3, jump_chat_id = $4 WHERE account_id = $1 AND chat_id = $2`;
  await dataSource.query(set, [account_id, chat_id, depth, jump]);
  return true;
}
