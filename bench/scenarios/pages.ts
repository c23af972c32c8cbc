import { encodeCursor } from '../../src/common/cursor.js';
import { type Answer, drive, requestOf } from '../load.js';
import { ratesOf } from '../report.js';
import { counted, inRounds, ratioOf, type Side } from '../rounds.js';
import type { Server } from '../stage.js';
import type { Play, Scenario } from './scenario.js';

const CONNECTIONS = 32;
const LIMIT = 50;
/** Pages that are asked for again and again. */
const HOT_PAGES = 20;
/**
 * Prime, and so no divisor of the length: the windows walk over the whole chat before one comes
 * again.
 */
const STRIDE = 7919;

/**
 * P6, P7: a page of 50 pairs in the middle of a big chat; cold = a window that nobody asked for
 * before, warm = one of 20.
 */
export const pages: Scenario = {
  ids: ['P6', 'P7'],
  play: async ({ stage, bed, options, say }) => {
    const side = (name: string, server: Server, next: () => string, check = pageCheck): Side => {
      const load = { port: server.port, connections: CONNECTIONS, next, check };
      return { name, run: () => counted(stage, server, () => drive(load, options.sliceMs)) };
    };
    const peer = (route: string) =>
      windows(bed, (last) =>
        requestOf('GET', `/${route}/${bed.big}?from=${last - LIMIT + 1}&to=${last}`),
      );
    const page = (last: number) => {
      const before = encodeCursor(bed.big, last + 1);
      return requestOf('GET', `/api/v1/chats/${bed.big}/messages?limit=${LIMIT}&before=${before}`, {
        token: stage.token,
      });
    };
    const hot = Array.from({ length: HOT_PAGES }, (_, n) => page((n + 1) * LIMIT));
    let n = 0;
    const others = [
      side('Banyan cold', stage.banyan, windows(bed, page), (answer) => pageCheck(answer, 'miss')),
      side(
        'Banyan warm',
        stage.banyan,
        () => hot[n++ % HOT_PAGES]!,
        (answer) => pageCheck(answer),
      ),
      side('Fastify spliced', stage.peer, peer('spliced')),
    ];
    const rounds = await inRounds(
      options.rounds,
      side('Fastify', stage.peer, peer('page')),
      others,
      say,
    );
    return {
      rows: [
        {
          id: 'P6',
          what: 'cold page of 50 / Fastify + pg, rows',
          ratio: ratioOf(rounds, 'Banyan cold', 'Fastify'),
          held: { sign: '>=', bar: 1.1, aim: 1.15 },
        },
        {
          id: 'P6',
          what: 'cold page of 50 / Fastify + pg, words spliced as text',
          ratio: ratioOf(rounds, 'Banyan cold', 'Fastify spliced'),
        },
        {
          id: 'P7',
          what: 'warm page of 50 / Fastify + pg, rows',
          ratio: ratioOf(rounds, 'Banyan warm', 'Fastify'),
          held: { sign: '>=', bar: 4, aim: 6 },
        },
      ],
      details: ratesOf('P6, P7 page of 50', rounds, [
        'Fastify',
        'Fastify spliced',
        'Banyan cold',
        'Banyan warm',
      ]),
    };
  },
};

/** The last `seq` of one window after the other; in the order that `STRIDE` makes. */
function windows({ bigPairs }: Play['bed'], request: (last: number) => string): () => string {
  let at = 0;
  return () => {
    at = (at + STRIDE) % (bigPairs - LIMIT);
    return request(at + LIMIT);
  };
}

function pageCheck(answer: Answer, cache?: string): void {
  const { qa_pairs: pairs } = answer.json as {
    qa_pairs: { seq: number; question: string; response: string }[];
  };
  const dense = pairs.every(
    ({ seq, question, response }, n) => seq === pairs[0]!.seq + n && question && response,
  );
  if (pairs.length !== LIMIT || !dense) throw new Error('A page is not what was asked for.');
  if (cache && !answer.head.includes(`x-cache: ${cache}`))
    throw new Error(`A page should have been a ${cache}:\n${answer.head}`);
}
