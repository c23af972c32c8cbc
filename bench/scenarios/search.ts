import { readFileSync } from 'node:fs';
import { DataSource } from 'typeorm';
import { Config } from '../../src/config/config.js';
import { PostgresContentStore } from '../../src/content/postgres/postgres-content-store.js';
import { serverOptions } from '../../src/data-source.js';
import { Database } from '../../src/database/database.js';
import { SearchHits } from '../../src/modules/search/search-hits.service.js';
import { type PairName, SearchIndex } from '../../src/modules/search/search-index.service.js';
import { SearchMatches } from '../../src/modules/search/search-matches.service.js';
import { SearchWalks } from '../../src/modules/search/search-walks.service.js';
import { SearchService } from '../../src/modules/search/search.service.js';
import type { Row } from '../report.js';
import { bigAccount, type Library, makeLibrary, smallAccount } from '../search-seed.js';
import { randomOf } from '../text.js';
import type { Play, Scenario } from './scenario.js';

/** Searches of each kind, each of other words. */
const SEARCHES = 100;
const INDEXED = 3000;
const PAGE = 20;
const FOUND = 'SELECT FROM message_search WHERE response_id = ANY ($1::uuid[])';
const BACKEND = { name: 'bench.backend', text: 'SELECT pg_backend_pid() AS pid' };

/**
 * CPU milliseconds of the one connection's process in PostgreSQL so far: a neighbour on the same
 * core makes a search wait, and costs it nothing. NaN where the kernel does not tell.
 */
function cpuMsOf(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6;
  } catch {
    return NaN;
  }
}

/** Words by how many pairs have them: about half, a twentieth, and a handful. */
type Kind = readonly [name: string, queryOf: (library: Library, random: () => number) => string];

const KINDS: readonly Kind[] = [
  ['a common word', ({ common }, random) => pick(common, random)],
  ['a medium word', ({ medium }, random) => pick(medium, random)],
  ['a rare word', ({ rare }, random) => pick(rare, random)],
  ['two words', ({ common, medium }, random) => `${pick(common, random)} ${pick(medium, random)}`],
  ['a beginning', ({ medium }, random) => `${pick(medium, random).slice(0, 4)}*`],
  ['a common phrase', ({ common }, random) => `"${pick(common, random)} ${pick(common, random)}"`],
  ['a phrase', ({ common, medium }, random) => `"${pick(common, random)} ${pick(medium, random)}"`],
];

const KINDS_OF_ALL = (
  [
    ['account of 900', 2, smallAccount],
    ['the big account', 5, bigAccount],
  ] as const
).flatMap(([who, bar, accountOf]) =>
  (['newest', 'best'] as const).flatMap((sort) =>
    KINDS.map(([kind, queryOf]) => ({ who, bar, accountOf, sort, kind, queryOf })),
  ),
);

const pick = (words: readonly string[], random: () => number): string =>
  words[Math.floor(random() * words.length)]!;

/** P13: searches among many accounts, and how fast pairs become findable. */
export const search: Scenario = {
  ids: ['P13'],
  play: async (play) => {
    const { stage, options, say } = play;
    const library = await makeLibrary(stage.sql, options.searchAccounts, options.bigPairs);
    say(`${library.pairs} pairs of ${options.searchAccounts} accounts are there`);
    const dataSource = await new DataSource(serverOptions(stage.databaseUrl, 1)).initialize();
    try {
      const database = new Database(dataSource);
      const index = new SearchIndex(database, new PostgresContentStore(database));
      const rows = await searches(play, database, library, index);
      rows.push(await indexing(play, index).finally(() => index.stop()));
      return {
        rows,
        details: [
          `P13: pages of ${PAGE} of ${library.pairs} pairs; rows are p50 / p95 / max of the searches, each at its least of ${options.rounds}, in CPU ms of PostgreSQL, all statements of a search together`,
        ],
      };
    } finally {
      await dataSource.destroy();
    }
  },
};

/**
 * All kinds in turn, as many times as there are rounds: the least that a search cost counts, as
 * what a machine does beside can only add to it.
 */
async function searches(
  { say, options }: Play,
  database: Database,
  library: Library,
  index: SearchIndex,
): Promise<Row[]> {
  const walks = new SearchWalks(database, index);
  // All is there; nobody walks through it beside.
  await walks.stop();
  const service = new SearchService(
    database,
    walks,
    new SearchMatches(database, new Config(), index),
    new SearchHits(database, new PostgresContentStore(database)),
  );
  const [backend] = await database.query<{ pid: number }>(BACKEND, []);
  const kinds = KINDS_OF_ALL.map((kind) => ({ ...kind, least: [] as number[] }));
  for (let round = 1; round <= options.rounds; round++) {
    for (const { accountOf, sort, queryOf, least } of kinds) {
      const random = randomOf(7);
      for (let n = 0; n < SEARCHES; n++) {
        const q = queryOf(library, random);
        const before = cpuMsOf(backend!.pid);
        await service.search(accountOf(n, library), { q, sort, limit: PAGE });
        least[n] = Math.min(least[n] ?? Infinity, cpuMsOf(backend!.pid) - before);
      }
    }
    const p95s = kinds.map(({ least }) => spreadOf(least).med.toFixed(2));
    say(`round ${round}: p95 of each kind so far, ms: ${p95s.join(', ')}`);
  }
  return kinds.map(({ who, bar, sort, kind, least }) => ({
    id: 'P13',
    what: `${who}, ${sort} first, ${kind}`,
    ratio: spreadOf(least),
    held: { sign: '<=', bar, aim: bar },
  }));
}

/** As a row of the table: p50, p95 and the longest. */
function spreadOf(times: readonly number[]): Row['ratio'] {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.ceil(share * sorted.length) - 1]!;
  return { min: at(0.5), med: at(0.95), max: sorted.at(-1)! };
}

async function indexing({ stage: { sql }, options }: Play, index: SearchIndex): Promise<Row> {
  const rates: number[] = [];
  for (let n = 0; n < options.rounds; n++) {
    const { rows } = await sql.query<{ account_id: string; response_id: string }>(
      `DELETE FROM message_search WHERE (account_id, response_id) IN (
         SELECT account_id, response_id FROM message_search TABLESAMPLE SYSTEM (10) LIMIT ${INDEXED})
       RETURNING account_id, response_id`,
    );
    const pairs = rows.map((row): PairName => [row.account_id, row.response_id]);
    const started = performance.now();
    const late = await index.bring(pairs);
    const seconds = (performance.now() - started) / 1000;
    const ids = late.map(([, id]) => id);
    const { rowCount } = await sql.query(FOUND, [ids]);
    // What is late was made findable by the server meanwhile, which walks through all pairs.
    if (rowCount !== ids.length) throw new Error('some pairs were not made findable');
    rates.push((pairs.length - ids.length) / seconds);
  }
  const sorted = rates.sort((a, b) => a - b);
  return {
    id: 'P13',
    what: 'pairs made findable a second, one after the other',
    ratio: { min: sorted[0]!, med: sorted[Math.floor(sorted.length / 2)]!, max: sorted.at(-1)! },
    held: { sign: '>=', bar: 1000, aim: 2000 },
  };
}
