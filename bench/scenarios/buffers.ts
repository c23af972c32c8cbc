import { pageStatements } from '../../src/modules/chat/path.sql.js';
import type { Row } from '../report.js';
import { spreadOf } from '../rounds.js';
import type { Play, Scenario } from './scenario.js';

const LIMIT = 50;
const MIDDLE = 1000;

interface Explained {
  'QUERY PLAN': { Plan: Record<'Shared Hit Blocks' | 'Shared Read Blocks', number> }[];
}

/** P3: how many pages of its files PostgreSQL touches for one page of a path. Not a time: the same on every machine. */
export const buffers: Scenario = {
  ids: ['P3'],
  play: async (play) => {
    const { bed, stage } = play;
    const middle = await bed.filled(MIDDLE);
    await stage.sql.query('VACUUM ANALYZE messages, chat_contents, chats, conversations');
    const positions = [0.1, 0.3, 0.5, 0.7, 0.9];
    const [small, big]: [number[], number[]] = [[], []];
    for (const at of positions) {
      small.push(await touched(play, middle, Math.round(MIDDLE * at)));
      big.push(await touched(play, bed.big, Math.round(bed.bigPairs * at)));
    }
    const what = `files' pages touched for 50 pairs: ${bed.bigPairs} pairs / ${MIDDLE} pairs`;
    const row: Row = {
      id: 'P3',
      what,
      ratio: spreadOf(big.map((count, n) => count / small[n]!)),
      held: { sign: '<=', bar: 1.2, aim: 1.2 },
    };
    return {
      rows: [row],
      details: [`P3 pages of files touched: ${small.join(', ')} at ${MIDDLE} pairs, ${big.join(', ')} at ${bed.bigPairs}`],
    };
  },
};

async function touched({ stage }: Play, chatId: string, before: number): Promise<number> {
  const { text } = pageStatements('chat_contents').before;
  const values = [stage.accountId, chatId, LIMIT, before];
  const { rows } = await stage.sql.query<Explained>(`EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${text}`, values);
  const { Plan: plan } = rows[0]!['QUERY PLAN'][0]!;
  return plan['Shared Hit Blocks'] + plan['Shared Read Blocks'];
}
