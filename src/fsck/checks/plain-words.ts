import type { DataSource } from 'typeorm';
import type { Config } from '../../config/config.js';
import { type Check, columnsOf, type Finding } from '../check.js';
import { withoutDoomed } from './doomed.js';
import { type PairKey, PAIRS_WINDOW, type PlainPair, PLAIN_PAIRS } from './pairs.sql.js';

const PLACE = ['account_id', 'chat_id', 'seq'] as const;

/** I3 and I16 (and of I5, that a pair has a chat) where the words are in PostgreSQL. */
export function plainWordsCheck(dataSource: DataSource, config: Config): Check<PairKey> {
  return {
    of: 'pairs',
    invariants: ['I3', 'I5', 'I16'],
    window: (after) =>
      dataSource.query<PairKey[]>(PAIRS_WINDOW, [
        after?.account_id ?? null,
        after?.chat_id ?? null,
        after?.seq ?? null,
      ]),
    async inspect(keys) {
      const rows = await dataSource.query<PlainPair[]>(PLAIN_PAIRS, columnsOf(keys, PLACE));
      return withoutDoomed(dataSource, config, rows.flatMap(faultsOf));
    },
  };
}

function faultsOf(row: PlainPair): Finding<PairKey>[] {
  const { account_id, chat_id, seq, response_id, version, stored_version } = row;
  const found = (invariant: Finding['invariant'], what: string, ids = {}): Finding<PairKey>[] => [
    {
      invariant,
      key: { account_id, chat_id, seq },
      what,
      ids: { account_id, chat_id, seq, response_id, ...ids },
    },
  ];
  if (!row.has_chat) return found('I5', 'a pair belongs to no chat');
  if (stored_version === null) return found('I3', 'the words of a pair are missing');
  if (stored_version > version)
    return found('I16', 'stored words are newer than their pair', { version, stored_version });
  if (stored_version < version)
    return found('I3', 'the words of a pair are outdated', { version, stored_version });
  return row.same_words ? [] : found('I3', 'the words of a pair are not those that were written');
}

const WORDS_WINDOW = `
  SELECT account_id, chat_id, seq FROM chat_contents
  WHERE $1::uuid IS NULL OR (account_id, chat_id, seq) > ($1::uuid, $2::uuid, $3::int) ORDER BY account_id, chat_id, seq LIMIT 2000`;

/**
 * `of_gap`: a chat misses a pair at this place, so these may be its words, and the last trace of
 * it.
 */
const WITHOUT_PAIR = `
  SELECT w.account_id, w.chat_id, w.seq, coalesce(w.seq > c.fork_seq AND w.seq <= c.last_seq, false) AS of_gap
  FROM unnest($1::uuid[], $2::uuid[], $3::int[]) AS wanted (account_id, chat_id, seq)
  JOIN chat_contents w ON w.account_id = wanted.account_id AND w.chat_id = wanted.chat_id AND w.seq = wanted.seq
  LEFT JOIN chats c ON c.account_id = w.account_id AND c.chat_id = w.chat_id
  WHERE NOT EXISTS (SELECT FROM messages m WHERE m.account_id = w.account_id AND m.chat_id = w.chat_id AND m.seq = w.seq)`;

const REMOVE = `
  DELETE FROM chat_contents w WHERE w.account_id = $1 AND w.chat_id = $2 AND w.seq = $3
    AND NOT EXISTS (SELECT FROM messages m WHERE m.account_id = $1 AND m.chat_id = $2 AND m.seq = $3)`;

/**
 * I4 where the words are in PostgreSQL: pairs and words come and go in one transaction, so there is
 * no age to wait for.
 */
export function plainOrphansCheck(dataSource: DataSource): Check<PairKey> {
  return {
    of: 'words',
    invariants: ['I4'],
    window: (after) =>
      dataSource.query<PairKey[]>(WORDS_WINDOW, [
        after?.account_id ?? null,
        after?.chat_id ?? null,
        after?.seq ?? null,
      ]),
    async inspect(keys) {
      const rows = await dataSource.query<(PairKey & { of_gap: boolean })[]>(
        WITHOUT_PAIR,
        columnsOf(keys, PLACE),
      );
      return rows.map(({ of_gap, ...key }) => ({
        invariant: 'I4' as const,
        key,
        what: of_gap ? 'words of a pair that its chat misses' : 'words without a pair',
        ids: { ...key },
        mend: of_gap ? undefined : () => removeWords(dataSource, key),
      }));
    },
  };
}

async function removeWords(
  dataSource: DataSource,
  { account_id, chat_id, seq }: PairKey,
): Promise<boolean> {
  await dataSource.query(REMOVE, [account_id, chat_id, seq]);
  return true;
}
