import { setTimeout as sleep } from 'node:timers/promises';
import { drive, requestOf } from '../load.js';
import { Person } from '../person.js';
import { type Finding, short } from '../report.js';
import { median, spreadOf } from '../rounds.js';
import { assertWhole, chatIdOf } from '../seed.js';
import { pairOf, PAYLOAD_BYTES } from '../text.js';
import type { Play, Scenario } from './scenario.js';

const APPENDS = 200;
const SMALL = 10;
const CONNECTIONS = 64;

/**
 * P2: bytes of write-ahead log for each append. Images of whole pages (one for each page after each
 * checkpoint) depend on how many pages are written between two checkpoints, not on the append:
 * `full_page_writes` and autovacuum are off while this is measured, and only then.
 */
export const wal: Scenario = {
  ids: ['P2'],
  play: async (play) => {
    await configure(play, { full_page_writes: 'off', autovacuum: 'off' });
    try {
      return await measure(play);
    } finally {
      await configure(play, { full_page_writes: 'on', autovacuum: 'on' });
    }
  },
};

async function configure(
  { stage: { sql } }: Play,
  settings: Record<string, 'on' | 'off'>,
): Promise<void> {
  for (const [name, value] of Object.entries(settings))
    await sql.query(`ALTER SYSTEM SET ${name} = ${value}`);
  await sql.query('SELECT pg_reload_conf()');
  await sql.query('CHECKPOINT');
  await sleep(300); // until every process has read it
}

interface Bytes {
  small: number;
  big: number;
}

async function measure(play: Play): Promise<Finding> {
  const { stage, bed, options, say } = play;
  const person = await Person.of(stage);
  const rounds: Bytes[] = [];
  let last = { from: '', to: '' };
  for (let n = 0; n < options.rounds; n++) {
    const small = await bed.filled(SMALL);
    await person.append(small, pairOf(0));
    const ofSmall = await writtenBy(play, () => appendMany(person, small));
    const ofBig = await writtenBy(play, () => appendMany(person, bed.big));
    rounds.push({ small: ofSmall.each, big: ofBig.each });
    last = ofBig;
    say(
      `round ${n + 1}: ${ofSmall.each.toFixed(0)} bytes each at ${SMALL} pairs, ${ofBig.each.toFixed(0)} at ${bed.bigPairs}`,
    );
  }
  person.close();
  const split = await splitOf(play, last.from, last.to);
  const together = await writtenBy(play, () => appendTogether(play));
  await assertWhole(stage.sql, stage.accountId);
  return findingOf(rounds, bed.bigPairs, together.each, split);
}

async function appendMany(person: Person, chatId: string): Promise<number> {
  for (let n = 0; n < APPENDS; n++) await person.append(chatId, pairOf(n));
  return APPENDS;
}

/** The same pairs by many at once, so that they share statements and commits. */
async function appendTogether({ stage, bed, options }: Play): Promise<number> {
  let n = 0;
  const next = (): string => {
    const chat = chatIdOf(1 + (n++ % bed.many));
    return requestOf('POST', `/api/v1/chats/${chat}/messages`, {
      token: stage.token,
      body: JSON.stringify(pairOf(n % 1000)),
    });
  };
  return (await drive({ port: stage.banyan.port, connections: CONNECTIONS, next }, options.sliceMs))
    .requests;
}

interface Written {
  from: string;
  to: string;
  each: number;
}

async function writtenBy({ stage: { sql } }: Play, work: () => Promise<number>): Promise<Written> {
  const position = async (): Promise<string> =>
    (await sql.query<{ lsn: string }>('SELECT pg_current_wal_lsn() AS lsn')).rows[0]!.lsn;
  const from = await position();
  const appends = await work();
  const to = await position();
  const { rows } = await sql.query<{ bytes: string }>('SELECT pg_wal_lsn_diff($1, $2) AS bytes', [
    to,
    from,
  ]);
  return { from, to, each: Number(rows[0]!.bytes) / appends };
}

/**
 * A record that touches several pages counts for each in equal parts; one that touches none is the
 * commit.
 */
const SPLIT = `
  WITH touched AS (
    SELECT r.start_lsn, r.record_length, r.record_type, b.relfilenode, count(*) OVER (PARTITION BY r.start_lsn) AS parts
    FROM pg_get_wal_records_info($1, $2) r LEFT JOIN pg_get_wal_block_info($1, $2) b ON b.start_lsn = r.start_lsn
  )
  SELECT coalesce(c.relname, CASE WHEN touched.relfilenode IS NULL THEN lower(record_type) ELSE 'other' END) AS name,
    sum(record_length / parts::numeric)::float AS bytes
  FROM touched LEFT JOIN pg_class c ON pg_relation_filenode(c.oid) = touched.relfilenode
  GROUP BY 1 ORDER BY 2 DESC`;

async function splitOf({ stage: { sql } }: Play, from: string, to: string): Promise<string[]> {
  try {
    await sql.query('CREATE EXTENSION IF NOT EXISTS pg_walinspect');
  } catch {
    return ['  (no pg_walinspect here: no split by table)'];
  }
  const { rows } = await sql.query<{ name: string; bytes: number }>(SPLIT, [from, to]);
  return rows
    .filter(({ bytes }) => bytes >= APPENDS)
    .map(({ name, bytes }) => `  ${name}: ${(bytes / APPENDS).toFixed(0)}`);
}

function findingOf(
  rounds: readonly Bytes[],
  bigPairs: number,
  together: number,
  split: string[],
): Finding {
  const big = spreadOf(rounds.map((bytes) => bytes.big));
  const multiple = {
    min: big.min / PAYLOAD_BYTES,
    med: big.med / PAYLOAD_BYTES,
    max: big.max / PAYLOAD_BYTES,
  };
  const ratio = spreadOf(rounds.map((bytes) => bytes.big / bytes.small));
  const batched = together / PAYLOAD_BYTES;
  return {
    rows: [
      {
        id: 'P2',
        what: `log bytes an append: ${bigPairs} pairs / ${SMALL} pairs`,
        ratio,
        held: { sign: '<=', bar: 1.05, aim: 1.05 },
      },
      {
        id: 'P2',
        what: `log bytes an append / payload of ${PAYLOAD_BYTES} bytes`,
        ratio: multiple,
        held: { sign: '<=', bar: 2, aim: 1.5 },
      },
      {
        id: 'P2',
        what: 'the same with 64 at once',
        ratio: { min: batched, med: batched, max: batched },
      },
    ],
    details: [
      `P2 log: ${median(rounds.map(({ small }) => small)).toFixed(0)} bytes an append at ${SMALL} pairs, ${big.med.toFixed(0)} at ${bigPairs} (${short(multiple.med)} x payload), ${together.toFixed(0)} with 64 at once; without images of whole pages. Where they go:`,
      ...split,
    ],
  };
}
