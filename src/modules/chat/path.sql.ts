import type { ContentStore } from '../../content/content-store.js';
import { BRANCHES_SHOWN } from '../../content/content-store.js';
import { NULLABLE_COLUMNS } from '../../content/pair.columns.js';
import type { Statement } from '../../database/database.js';
import { STRETCH_CTE, stretchCte } from './lineage.sql.js';
import type { MessageStatus, MessageType } from './message.entity.js';

/**
 * Which pairs of a path are asked for. `before` and `after` are a `seq`, the pair itself left out;
 * `around` is a `response_id`.
 */
export type Anchor = { before: number } | { after: number } | { around: string };

/** No `seq` is beyond this: `before` it is the newest page. */
export const SEQ_MAX = 2_147_483_647;

/** What is read of one pair. `body` is null where the words are only in MongoDB. */
export interface PathRow {
  root_chat_id: string;
  response_id: string;
  chat_id: string;
  fork_seq: number;
  seq: number;
  version: number;
  message_type: MessageType;
  status: MessageStatus;
  created_at: Date;
  /** Values of `NULLABLE_COLUMNS`; of most pairs none. */
  told: readonly unknown[];
  /** Of the words, where `body` is null. */
  sha256: Buffer | null;
  body: string | null;
  branches: readonly string[];
  branches_total: number;
}

/** Of a chat `win`, and of the stretch `s` of its path where there is one. */
const PLACE_FACTS = `concat_ws(' ', win.root_chat_id, win.last_seq, win.revision, win.event_seq, s.chat_id, s.fork_seq)`;
const PAIR_FACTS = `concat_ws(' ', m.response_id, m.seq, m.version, m.message_type, m.status, m.created_at AT TIME ZONE 'UTC')`;
const TOLD = NULLABLE_COLUMNS.map(([, { name }]) => `m.${name}`).join(', ');

/** What `PLACE_FACTS` say. */
export function placeFactsOf(facts: string) {
  const [rootChatId, lastSeq, revision, eventSeq, chatId, forkSeq] = facts.split(' ') as [
    string,
    string,
    string,
    string,
    string?,
    string?,
  ];
  return {
    rootChatId,
    lastSeq: Number(lastSeq),
    revision: Number(revision),
    eventSeq: Number(eventSeq),
    chatId,
    forkSeq: Number(forkSeq),
  };
}

/** $1 account, $2 chat, $3 limit, $4 the anchor. */
const WINDOWS = {
  before: `SELECT *, greatest(1, least(last_seq, $4::int - 1) - $3::int + 1) AS lo, least(last_seq, $4::int - 1) AS hi FROM chat`,
  after: `SELECT *, least(last_seq, $4::int) + 1 AS lo, least(last_seq, least(last_seq, $4::int) + $3::int) AS hi FROM chat`,
  around: `
    SELECT chat.*, greatest(1, m.seq - $3::int / 2) AS lo, least(last_seq, greatest(1, m.seq - $3::int / 2) + $3::int - 1) AS hi
    FROM chat JOIN messages m ON m.account_id = $1 AND m.response_id = $4::uuid AND m.root_chat_id = chat.root_chat_id`,
};

const CHAT = `
    chat AS (
      SELECT c.chat_id, c.root_chat_id, c.parent_chat_id, c.jump_chat_id, c.fork_seq, c.last_seq, c.revision + v.revision AS revision, v.event_seq
      FROM chats c JOIN conversations v ON v.account_id = c.account_id AND v.chat_id = c.root_chat_id
      WHERE c.account_id = $1 AND c.chat_id = $2 AND c.deleted_at IS NULL
    )`;

/**
 * The words `w` of a pair `m`; null where they are elsewhere. A row of the journal may have none,
 * where only branches are to be mirrored.
 */
const BODY = `CASE WHEN w.version = m.version THEN w.body END`;
/** `MoreOfPair`; and of which pairs there is any. */
const MORE = `json_build_array(CASE WHEN ${BODY} IS NULL THEN encode(m.sha256, 'hex') END, ${TOLD})`;
const HAS_MORE = `num_nonnulls(${TOLD}) > 0 OR ${BODY} IS NULL`;

/** The columns of a `StretchRow` of one pair. */
const ONE_PAIR = `${PAIR_FACTS} AS facts, ${BODY} AS bodies, CASE WHEN ${HAS_MORE} THEN json_build_object(m.seq, ${MORE}) END AS more`;

/** The branches that were made from the pairs of a stretch `s`. */
const FORKS = `(
      SELECT json_agg(json_build_array(fork.response_id, fork.shown, fork.total))
      FROM (
        SELECT fork_response_id AS response_id, (array_agg(chat_id ORDER BY chat_id))[1:${BRANCHES_SHOWN}] AS shown, count(*)::int AS total
        FROM chats WHERE account_id = $1 AND parent_chat_id = s.chat_id AND fork_seq BETWEEN s.lo AND s.hi AND deleted_at IS NULL
        GROUP BY fork_response_id
      ) fork
    ) AS forks`;

/**
 * The pairs of a stretch `s` and their words: one range of each index, merged. A join by key would
 * leave it to PostgreSQL's idea of how long chats are whether it looks up each pair's words or
 * reads those of the whole chat for each pair, and the idea is wrong where many chats are short and
 * one is long. A full join has no such choice: it is made by merging or hashing only, and what is
 * told of `m` alone would let PostgreSQL make it a left join.
 */
const stretchPairs = (table: ContentStore['table']): string => `
      SELECT string_agg(${PAIR_FACTS}, E'\\n') AS facts, string_agg(coalesce(${BODY}, ''), E'\\n') AS bodies,
        json_object_agg(m.seq, ${MORE}) FILTER (WHERE ${HAS_MORE}) AS more
      FROM (SELECT * FROM messages WHERE account_id = $1 AND chat_id = s.chat_id AND seq BETWEEN s.lo AND s.hi) m
      FULL JOIN (
        SELECT seq, version, body FROM ${table} WHERE account_id = $1 AND chat_id = s.chat_id AND seq BETWEEN s.lo AND s.hi
      ) w ON w.seq = m.seq
      WHERE coalesce(m.seq, 0) > 0`;

/**
 * The words of one pair `m`: a look-up by the whole key, which `LIMIT 1` keeps from being made a
 * join.
 */
const wordsOfPair = (table: ContentStore['table']): string =>
  `LATERAL (SELECT version, body FROM ${table} WHERE account_id = m.account_id AND chat_id = m.chat_id AND seq = m.seq LIMIT 1) w`;

/**
 * A stretch of a path as it comes over the wire, in one row: each column is a list of its pairs, in
 * one order, whatever it is.
 */
export interface StretchRow extends Record<string, unknown> {
  /** `PLACE_FACTS`; a page without pairs has one row, with those of its chat. */
  place: string;
  /** `PAIR_FACTS`, a line for each pair; null where there is none. */
  facts: string | null;
  /** Bodies, a line for each pair: JSON has no line breaks. An empty line where it is elsewhere. */
  bodies: string | null;
  /** By their `seq`, of the pairs of which more is to be said; null where there are none. */
  more: Record<string, MoreOfPair> | null;
  /** Null, or not there, where no branch was made. */
  forks?: ForksOfPair[] | null;
}
type MoreOfPair = [sha256: string | null, ...told: unknown[]];
type ForksOfPair = [response_id: string, shown: string[], total: number];

/** Of most pairs: not made anew for each. */
const NOTHING: readonly unknown[] = [];
const NO_BRANCHES: readonly string[] = [];

/** The pairs of some stretches, in order. */
export const rowsOf = (stretches: readonly StretchRow[]): PathRow[] =>
  stretches.flatMap(rowsOfStretch).sort((a, b) => a.seq - b.seq);

function rowsOfStretch({ place, facts, bodies, more, forks }: StretchRow): PathRow[] {
  if (facts === null) return [];
  const { rootChatId, chatId, forkSeq } = placeFactsOf(place);
  const words = bodies?.split('\n');
  const branches = forks && new Map(forks.map((fork) => [fork[0], fork]));
  return facts.split('\n').map((line, at) => {
    const [responseId, seq, version, messageType, status, day, time] = line.split(' ') as [
      string,
      ...string[],
    ];
    const said = more?.[seq!];
    const fork = branches?.get(responseId);
    return {
      root_chat_id: rootChatId,
      response_id: responseId,
      chat_id: chatId!,
      fork_seq: forkSeq,
      seq: Number(seq),
      version: Number(version),
      message_type: messageType as MessageType,
      status: status as MessageStatus,
      created_at: new Date(`${day}T${time}Z`),
      told: said ? said.slice(1) : NOTHING,
      sha256: said?.[0] ? Buffer.from(said[0], 'hex') : null,
      body: words?.[at] || null,
      branches: fork ? fork[1] : NO_BRANCHES,
      branches_total: fork ? fork[2] : 0,
    };
  });
}

/**
 * A page of a path in one statement, and a row for each stretch of it: rights (`account_id`, not
 * deleted), revision, and the pairs with the words that PostgreSQL has and the branches forked at
 * each. For PostgreSQL, and for node-postgres more so, a row and each of its columns takes its
 * time, a longer text hardly any; and order is made where the pairs are few and small. No row where
 * there is no such chat (or, `around`, no such pair in it).
 */
function pageStatement(kind: keyof typeof WINDOWS, table: ContentStore['table']): Statement {
  const text = `
    WITH RECURSIVE ${CHAT},
    win AS (${WINDOWS[kind]}),
    ${STRETCH_CTE}
    SELECT ${PLACE_FACTS} AS place, pairs.facts, pairs.bodies, pairs.more, ${FORKS}
    FROM win LEFT JOIN stretch s ON true CROSS JOIN LATERAL (${stretchPairs(table)}
    ) pairs`;
  return { name: `path.${kind}.${table}`, text };
}

export const pageStatements = (
  table: ContentStore['table'],
): Record<keyof typeof WINDOWS, Statement> => ({
  before: pageStatement('before', table),
  after: pageStatement('after', table),
  around: pageStatement('around', table),
});

/** Another continuation of the place of a pair, or the pair itself. */
export interface Sibling {
  chat_id: string;
  response_id: string;
  seq: number;
  /** Whether it is on the path of the active branch. */
  active: boolean;
}

/** `siblings` is null where the pair is the only one of its place, and shown. */
export type PairRow = StretchRow & { siblings?: Sibling[] | null };

/**
 * One pair of a path ($3) with all continuations of its place: the pairs at its `seq` that follow
 * the same pair as it does, which are that of the chat which owns the place before it, and those of
 * the branches made there. Before the first pair the root owns the place. A pair that is read by a
 * branch shows itself even if its owner is deleted. One row, or none where the chat or the pair is
 * missing.
 */
export const pairStatement = (table: ContentStore['table']): Statement => ({
  name: `path.pair.${table}`,
  text: `
    WITH RECURSIVE ${CHAT},
    win AS (
      SELECT chat.*, m.seq, greatest(1, m.seq - 1) AS lo, m.seq AS hi
      FROM chat JOIN messages m ON m.account_id = $1 AND m.response_id = $3 AND m.root_chat_id = chat.root_chat_id AND m.seq <= chat.last_seq
    ),
    ${STRETCH_CTE},
    active AS (
      SELECT a.*, win.seq AS lo, least(a.last_seq, win.seq) AS hi
      FROM win JOIN chats a ON a.account_id = $1 AND a.root_chat_id = win.root_chat_id AND a.active AND a.deleted_at IS NULL
    ),
    ${stretchCte('active', 'shown')},
    place AS (
      SELECT coalesce((SELECT s.chat_id FROM stretch s WHERE win.seq - 1 BETWEEN s.lo AND s.hi), win.root_chat_id) AS chat_id, win.seq FROM win
    ),
    candidate AS (
      SELECT c.chat_id, c.deleted_at FROM place JOIN chats c ON c.account_id = $1 AND c.chat_id = place.chat_id
      UNION ALL
      SELECT c.chat_id, c.deleted_at FROM place JOIN chats c
        ON c.account_id = $1 AND c.parent_chat_id = place.chat_id AND c.fork_seq = place.seq - 1
    ),
    sibling AS (
      SELECT m.chat_id, m.response_id, m.seq, coalesce(m.chat_id = (SELECT chat_id FROM shown), false) AS active
      FROM candidate c JOIN messages m ON m.account_id = $1 AND m.chat_id = c.chat_id AND m.seq = (SELECT seq FROM place)
      WHERE c.deleted_at IS NULL OR m.response_id = $3
    )
    SELECT ${PLACE_FACTS} AS place, ${ONE_PAIR}, ${FORKS}, (SELECT json_agg(sibling ORDER BY response_id) FROM sibling) AS siblings
    FROM win
    JOIN stretch s ON win.seq BETWEEN s.lo AND s.hi
    JOIN messages m ON m.account_id = $1 AND m.response_id = $3 AND m.chat_id = s.chat_id
    LEFT JOIN ${wordsOfPair(table)} ON true`,
});

/** Of `plainPairsStatement`, from 1: which of those that were asked for it is. */
export type PlainPairRow = PairRow & { nth: number };

/**
 * The same of many pairs $3 of chats $2 of accounts $1, where nobody has left the path at that
 * pair: the chat that is asked for is the active one and owns the pair and the place before it, and
 * no branch was made at either. Four look-ups instead of thirty, most of which only find out that
 * there is nothing; no row = ask `pairStatement`. Each `LIMIT 1` keeps a look-up a look-up, as
 * above.
 */
export const plainPairsStatement = (table: ContentStore['table']): Statement => ({
  name: `path.plain_pairs.${table}`,
  text: `
    SELECT asked.nth::int, one.*
    FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) WITH ORDINALITY AS asked (account_id, chat_id, response_id, nth)
    CROSS JOIN LATERAL (
      SELECT ${PLACE_FACTS} AS place, ${ONE_PAIR}
      FROM (
        SELECT c.account_id, c.chat_id, c.root_chat_id, c.parent_chat_id, c.fork_seq, c.last_seq, c.revision + v.revision AS revision, v.event_seq
        FROM chats c JOIN conversations v ON v.account_id = c.account_id AND v.chat_id = c.root_chat_id
        WHERE c.account_id = asked.account_id AND c.chat_id = asked.chat_id AND c.active AND c.deleted_at IS NULL
      ) win
      CROSS JOIN LATERAL (SELECT win.chat_id, win.fork_seq) s
      CROSS JOIN LATERAL (SELECT * FROM messages WHERE account_id = asked.account_id AND response_id = asked.response_id LIMIT 1) m
      LEFT JOIN ${wordsOfPair(table)} ON true
      WHERE m.chat_id = win.chat_id AND (m.seq - 1 > win.fork_seq OR win.parent_chat_id IS NULL)
        AND (
          SELECT chat_id FROM chats WHERE account_id = asked.account_id AND parent_chat_id = win.chat_id AND fork_seq BETWEEN m.seq - 1 AND m.seq LIMIT 1
        ) IS NULL
      LIMIT 1
    ) one`,
});
