import { encodeCursor } from '../../src/common/cursor.js';
import { type Answer, drive, requestOf } from '../load.js';
import { ratesOf, type Row } from '../report.js';
import { counted, inRounds, ratioOf, type Side } from '../rounds.js';
import type { Server } from '../stage.js';
import type { Play, Scenario } from './scenario.js';

const CONNECTIONS = 32;
/** Pairs that are read cold, each once until all were. */
const COLD_ROWS = 100_000;
const HOT_ROWS = 20;

/**
 * P8: one pair by its id; Banyan's answer names its siblings too, so a page of one pair (no
 * siblings) stands beside it.
 */
export const rows: Scenario = {
  ids: ['P8'],
  play: async (play) => {
    const { stage, bed, options, say } = play;
    const ids = await someIds(play);
    const side = (
      name: string,
      server: Server,
      next: (n: number) => string,
      check: (answer: Answer) => void,
    ): Side => {
      let n = 0;
      const load = { port: server.port, connections: CONNECTIONS, next: () => next(n++), check };
      return { name, run: () => counted(stage, server, () => drive(load, options.sliceMs)) };
    };
    const get = (path: string) =>
      requestOf('GET', `/api/v1/chats/${bed.big}/messages${path}`, { token: stage.token });
    const others = [
      side('Banyan pair', stage.banyan, (n) => get(`/${ids[n % ids.length]}`), isPair),
      side(
        'Banyan page of 1',
        stage.banyan,
        (n) => get(`?limit=1&before=${encodeCursor(bed.big, 2 + ((n * 7919) % bed.bigPairs))}`),
        isPage,
      ),
      side('Banyan pair, warm', stage.banyan, (n) => get(`/${ids[n % HOT_ROWS]}`), isPair),
    ];
    const peer = side(
      'Fastify',
      stage.peer,
      (n) => requestOf('GET', `/row/${ids[n % ids.length]}`),
      isPair,
    );
    const rounds = await inRounds(options.rounds, peer, others, say);
    const against = (name: string, what: string): Row => ({
      id: 'P8',
      what: `${what} / Fastify + pg, row by id`,
      ratio: ratioOf(rounds, name, 'Fastify'),
    });
    return {
      rows: [
        {
          ...against('Banyan pair', 'one pair with its siblings, cold'),
          held: { sign: '>=', bar: 0.6, aim: 0.95 },
        },
        against('Banyan page of 1', 'page of one pair, cold'),
        against('Banyan pair, warm', 'one pair with its siblings, warm'),
      ],
      details: ratesOf('P8 one pair', rounds, ['Fastify', ...others.map(({ name }) => name)]),
    };
  },
};

async function someIds({ stage, bed }: Play): Promise<string[]> {
  const { rows: found } = await stage.sql.query<{ response_id: string }>(
    'SELECT response_id FROM messages WHERE account_id = $1 AND chat_id = $2 ORDER BY sha256(response_id::text::bytea) LIMIT $3',
    [stage.accountId, bed.big, COLD_ROWS],
  );
  return found.map(({ response_id }) => response_id);
}

function isPair({ json }: Answer): void {
  if (!json.response_id || !json.question || !json.response)
    throw new Error('A pair is not what was asked for.');
}

function isPage({ json }: Answer): void {
  if (json.qa_pairs.length !== 1) throw new Error('A page of one pair is not what was asked for.');
}
