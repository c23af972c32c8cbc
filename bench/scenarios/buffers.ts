import { Client } from 'pg';
import type { Statement } from '../../src/database/database.js';
import { pageStatements, pairStatement } from '../../src/modules/chat/path.sql.js';
import type { Finding, Row } from '../report.js';
import { spreadOf } from '../rounds.js';
import { believingShort } from '../seed.js';
import type { Play, Scenario } from './scenario.js';

const LIMIT = 50;
const MIDDLE = 1000;
/** After five runs PostgreSQL may take a generic plan instead of one for the values. */
const RUNS = 10;
const POSITIONS = [0.1, 0.3, 0.5, 0.7, 0.9];
const REMOVED = [
  'Rows Removed by Filter',
  'Rows Removed by Join Filter',
  'Rows Removed by Index Recheck',
];

interface Node extends Record<string, unknown> {
  Plans?: Node[];
}
interface Counts {
  buffers: number;
  /** Rows that were read and thrown away. */
  removed: number;
}

/**
 * P3: how many pages of its files PostgreSQL touches, and how many rows it throws away, for each
 * hot read. Not a time: the same on every machine. Each statement has run ten times on its
 * connection, once as the server has it and once with PostgreSQL's own choice of plans.
 */
export const buffers: Scenario = {
  ids: ['P3'],
  play: async (play) => {
    const { stage, bed } = play;
    const middle = await bed.filled(MIDDLE);
    await stage.sql.query('VACUUM ANALYZE messages, chat_contents, chats, conversations');
    return believingShort(stage.sql, () => measure(play, middle));
  },
};

async function measure(play: Play, middle: string): Promise<Finding> {
  const rows: Row[] = [];
  const details: string[] = [];
  for (const mode of ['force_generic_plan', 'auto']) {
    const sql = new Client({
      connectionString: play.stage.databaseUrl,
      options: `-c plan_cache_mode=${mode}`,
    });
    await sql.connect();
    for (const [name, statement] of Object.entries({
      ...pageStatements('chat_contents'),
      pair: pairStatement('chat_contents'),
    })) {
      const small = await countsOf(play, sql, statement, middle, MIDDLE);
      const big = await countsOf(play, sql, statement, play.bed.big, play.bed.bigPairs);
      rows.push({
        id: 'P3',
        what: `files' pages touched, ${name}, ${mode}: ${play.bed.bigPairs} pairs / ${MIDDLE} pairs`,
        ratio: spreadOf(big.map(({ buffers }, n) => buffers / small[n]!.buffers)),
        held: { sign: '<=', bar: 1.2, aim: 1.2 },
      });
      const told = (counts: Counts[]): string =>
        counts.map(({ buffers, removed }) => `${buffers} (${removed})`).join(', ');
      details.push(
        `  ${name}, ${mode}: ${told(small)} at ${MIDDLE} pairs; ${told(big)} at ${play.bed.bigPairs}`,
      );
    }
    await sql.end();
  }
  return {
    rows,
    details: [
      `P3 pages of files touched for ${LIMIT} pairs, or for one, and rows thrown away:`,
      ...details,
    ],
  };
}

/** The counts of one read at some places of a chat. */
async function countsOf(
  { stage }: Play,
  sql: Client,
  statement: Statement,
  chatId: string,
  pairs: number,
): Promise<Counts[]> {
  const counts: Counts[] = [];
  for (const at of POSITIONS) {
    const seq = Math.round(pairs * at);
    const values = await valuesOf(sql, statement.name, stage.accountId, chatId, seq);
    for (let run = 0; run < RUNS; run++) await sql.query({ ...statement, values });
    const given = values.map((value) => `'${value}'`).join(', ');
    const { rows } = await sql.query(
      `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE "${statement.name}" (${given})`,
    );
    const plan = rows[0]['QUERY PLAN'][0].Plan as Node;
    counts.push({
      buffers: Number(plan['Shared Hit Blocks']) + Number(plan['Shared Read Blocks']),
      removed: removedIn(plan),
    });
  }
  return counts;
}

async function valuesOf(
  sql: Client,
  name: string,
  accountId: string,
  chatId: string,
  seq: number,
): Promise<(string | number)[]> {
  if (/before|after/.test(name)) return [accountId, chatId, LIMIT, seq];
  const text =
    'SELECT response_id FROM messages WHERE account_id = $1 AND chat_id = $2 AND seq = $3';
  const { rows } = await sql.query<{ response_id: string }>(text, [accountId, chatId, seq]);
  const responseId = rows[0]!.response_id;
  return name.includes('around')
    ? [accountId, chatId, LIMIT, responseId]
    : [accountId, chatId, responseId];
}

function removedIn(node: Node): number {
  const own =
    REMOVED.reduce((sum, key) => sum + Number(node[key] ?? 0), 0) * Number(node['Actual Loops']);
  return (node.Plans ?? []).reduce((sum, inner) => sum + removedIn(inner), own);
}
