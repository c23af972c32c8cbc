import type { DataSource } from 'typeorm';
import type { AnswerEnds } from '../../modules/answer/answer-ends.js';
import type { GenerationRow } from '../../modules/answer/answer.sql.js';
import { type Check, columnsOf, type Finding } from '../check.js';

interface Key {
  account_id: string;
  chat_id: string;
}

/** A chat with what says that an answer is being written there. */
interface Row extends Key {
  /** What the chat itself says. */
  generation_id: string | null;
  running_id: string | null;
  running_for: string | null;
  running: GenerationRow | null;
  /** Its instance has been dead for long enough that another one should have seen it. */
  is_abandoned: boolean | null;
  /** The pairs of the chat that wait. */
  streaming: string[];
}

const WINDOW = `
  SELECT account_id, chat_id FROM (
    SELECT account_id, chat_id FROM messages WHERE status = 'streaming'
    UNION SELECT account_id, chat_id FROM chats WHERE generation_id IS NOT NULL
    UNION SELECT account_id, chat_id FROM generations WHERE status <> 'ended'
  ) busy
  WHERE $1::uuid IS NULL OR (account_id, chat_id) > ($1::uuid, $2::uuid) ORDER BY account_id, chat_id LIMIT 1000`;

const INSPECT = `
  SELECT c.account_id, c.chat_id, c.generation_id, g.generation_id AS running_id, g.response_id AS running_for,
    to_json(g) AS running, g.lease_until < now() - interval '30 s' AS is_abandoned, coalesce(waiting.ids, '{}') AS streaming
  FROM unnest($1::uuid[], $2::uuid[]) AS wanted (account_id, chat_id)
  JOIN chats c ON c.account_id = wanted.account_id AND c.chat_id = wanted.chat_id
  LEFT JOIN generations g ON g.account_id = c.account_id AND g.chat_id = c.chat_id AND g.status <> 'ended'
  CROSS JOIN LATERAL (
    SELECT array_agg(m.response_id ORDER BY m.seq) AS ids FROM messages m
    WHERE m.account_id = c.account_id AND m.chat_id = c.chat_id AND m.status = 'streaming'
  ) waiting`;

interface AnswerStores {
  dataSource: DataSource;
  ends: AnswerEnds;
  /** While no server runs, nobody has to have seen a dead instance yet. */
  serverRuns: boolean;
}

/** I10: who waits for an answer, waits for one that somebody writes. */
export function answersCheck(side: AnswerStores): Check<Key> {
  const { dataSource } = side;
  return {
    of: 'answers being written',
    invariants: ['I10'],
    window: (after) =>
      dataSource.query<Key[]>(WINDOW, [after?.account_id ?? null, after?.chat_id ?? null]),
    async inspect(keys) {
      const rows = await dataSource.query<Row[]>(
        INSPECT,
        columnsOf(keys, ['account_id', 'chat_id']),
      );
      return rows.flatMap((row) => faultsOf(side, row));
    },
  };
}

function faultsOf({ dataSource, ends, serverRuns }: AnswerStores, row: Row): Finding<Key>[] {
  const {
    account_id,
    chat_id,
    generation_id,
    running,
    running_id,
    running_for,
    is_abandoned,
    streaming,
  } = row;
  const key = { account_id, chat_id };
  const faults: Finding<Key>[] = [];
  const add = (what: string, ids: Finding['ids'] = {}, mend?: Finding['mend']): void =>
    void faults.push({ invariant: 'I10', key, what, ids: { ...key, ...ids }, mend });
  for (const response_id of streaming.filter((id) => id !== running_for)) {
    add('a pair waits for an answer that nobody writes', { response_id }, () =>
      interrupt(dataSource, key, response_id),
    );
  }
  if (generation_id !== null && running_id === null) {
    add('a chat is kept busy by an answer that has ended', { generation_id }, () =>
      free(dataSource, key, generation_id),
    );
  }
  if (running === null) return faults;
  const isAwaited = generation_id === running_id && streaming.includes(running_for!);
  if (!isAwaited) {
    // Nobody's words are touched: the pair has others, or is gone. One that a living instance
    // writes ends by itself.
    const mend = is_abandoned
      ? (): Promise<boolean> => drop(dataSource, key, running_id!)
      : undefined;
    add('an answer is written for which nobody waits', { generation_id: running_id }, mend);
  } else if (serverRuns && is_abandoned) {
    add(
      'an answer of a dead instance was not ended: no server that does so runs',
      { generation_id: running_id },
      async () => {
        await ends.endAbandoned(running);
        return true;
      },
    );
  }
  return faults;
}

const INTERRUPT = `
  WITH pair AS (
    UPDATE messages SET status = 'interrupted' WHERE account_id = $1 AND chat_id = $2 AND response_id = $3 AND status = 'streaming'
    RETURNING account_id, root_chat_id, chat_id, response_id
  ),
  conversation AS (
    UPDATE conversations v SET event_seq = v.event_seq + 1, revision = v.revision + 1 FROM pair
    WHERE v.account_id = pair.account_id AND v.chat_id = pair.root_chat_id RETURNING v.event_seq
  )
  INSERT INTO events (account_id, root_chat_id, seq, type, chat_id, response_id, created_at)
  SELECT account_id, root_chat_id, event_seq, 'message.failed', chat_id, response_id, now() FROM pair, conversation`;

async function interrupt(
  dataSource: DataSource,
  { account_id, chat_id }: Key,
  responseId: string,
): Promise<boolean> {
  await dataSource.query(INTERRUPT, [account_id, chat_id, responseId]);
  return true;
}

async function free(
  dataSource: DataSource,
  { account_id, chat_id }: Key,
  generationId: string,
): Promise<boolean> {
  const set = `UPDATE chats SET generation_id = NULL WHERE account_id = $1 AND chat_id = $2 AND generation_id = $3`;
  await dataSource.query(set, [account_id, chat_id, generationId]);
  return true;
}

const DROP = `
  WITH ended AS (
    UPDATE generations SET status = 'ended', ended_at = now() WHERE account_id = $1 AND chat_id = $2 AND generation_id = $3 AND lease_until < now()
    RETURNING account_id, chat_id, generation_id
  )
  UPDATE chats c SET generation_id = NULL FROM ended
  WHERE c.account_id = ended.account_id AND c.chat_id = ended.chat_id AND c.generation_id = ended.generation_id`;

async function drop(
  dataSource: DataSource,
  { account_id, chat_id }: Key,
  generationId: string,
): Promise<boolean> {
  await dataSource.query(DROP, [account_id, chat_id, generationId]);
  return true;
}
