import { drive, requestOf } from '../load.js';
import { pgbenchFor } from '../pgbench.js';
import { type Finding, ratesOf, type Row } from '../report.js';
import { counted, inRounds, ratioOf, type Rounds, type Side, spreadOf } from '../rounds.js';
import { assertWhole, chatIdOf } from '../seed.js';
import { pairOf } from '../text.js';
import type { Play, Scenario } from './scenario.js';

const CONNECTIONS = 64;
/** Few enough that a batch holds hardly more than one append. */
const FEW = 16;

/**
 * P4, P5, P9: appends from 64 and from 16 connections over many chats, beside Fastify with one
 * statement for each, beside PostgreSQL alone. What Banyan costs has in it that its pairs are made
 * findable, those that it has left for a moment later too: each of its slices ends when all are.
 */
export const append: Scenario = {
  ids: ['P4', 'P5', 'P9'],
  play: async (play) => {
    const { stage, bed, options, say } = play;
    const database = pgbenchFor({
      databaseUrl: stage.databaseUrl,
      accountId: stage.peerAccountId,
      chats: bed.many,
    });
    const tally = { acknowledged: 0 };
    const foundRates = new Map<string, number[]>();
    const count = async (load: () => Promise<{ requests: number; seconds: number }>) => {
      const done = await load();
      tally.acknowledged += done.requests;
      return done;
    };
    const floor: Side = {
      name: database.name,
      // Its connections end with it, and the CPU of processes that have ended is not read reliably:
      // only its rate is told.
      run: async () => ({
        ...(await counted(stage, null, () => count(() => database.run(options.sliceMs)))),
        databaseUs: NaN,
      }),
    };
    const http = (who: 'Banyan' | 'Fastify', connections = CONNECTIONS): Side => {
      const server = who === 'Banyan' ? stage.banyan : stage.peer;
      const load = { port: server.port, connections, next: appendsOf(play, who) };
      const name = connections === CONNECTIONS ? who : `${who} at ${connections}`;
      const run = async () => {
        const since = new Date();
        const done = await count(() => drive(load, options.sliceMs));
        if (who === 'Banyan') {
          await bed.found(done.requests, since);
          const rate = done.requests / ((Date.now() - since.getTime()) / 1000);
          foundRates.set(name, [...(foundRates.get(name) ?? []), rate]);
        }
        return done;
      };
      return { name, run: () => counted(stage, server, run) };
    };
    const before = await storedOf(play);
    const rounds = await inRounds(
      options.rounds,
      http('Fastify'),
      [http('Banyan'), floor, http('Banyan', FEW), http('Fastify', FEW)],
      say,
    );
    const stored = (await storedOf(play)) - before;
    if (stored !== tally.acknowledged)
      throw new Error(`${tally.acknowledged} appends were acknowledged, ${stored} are stored`);
    say(`all ${stored} pairs are there, in order`);
    return findingOf(rounds, database.name, foundRates);
  },
};

/** Pairs of Banyan's account and of the peers', all whole. */
async function storedOf({ stage: { sql, accountId, peerAccountId } }: Play): Promise<number> {
  return (await assertWhole(sql, accountId)) + (await assertWhole(sql, peerAccountId));
}

/** Requests that go round all chats, so that those under way at one time are for different ones. */
function appendsOf({ stage, bed }: Play, side: 'Banyan' | 'Fastify'): () => string {
  const requests = Array.from({ length: bed.many }, (_, n) => {
    const body = JSON.stringify(pairOf(n % 1000));
    const path =
      side === 'Banyan'
        ? `/api/v1/chats/${chatIdOf(n + 1)}/messages`
        : `/append/${chatIdOf(n + 1)}`;
    return requestOf('POST', path, { token: stage.token, body });
  });
  let n = 0;
  return () => requests[n++ % requests.length]!;
}

const spreadText = (rates: readonly number[]): string => {
  const { min, med, max } = spreadOf(rates);
  return [min, med, max].map((rate) => rate.toFixed(0)).join(' / ');
};

function findingOf(
  rounds: Rounds,
  floor: string,
  foundRates: ReadonlyMap<string, readonly number[]>,
): Finding {
  const rows: Row[] = [
    {
      id: 'P4',
      what: `HTTP append, 64 connections / ${floor}, 8 clients`,
      ratio: ratioOf(rounds, 'Banyan', floor),
      held: { sign: '>=', bar: 0.45, aim: 1 },
    },
    {
      id: 'P5',
      what: 'HTTP append, 64 connections / Fastify + pg, one statement each',
      ratio: ratioOf(rounds, 'Banyan', 'Fastify'),
      held: { sign: '>=', bar: 1, aim: 2 },
    },
    {
      id: 'P5',
      what: 'HTTP append, 16 connections / Fastify + pg, one statement each',
      ratio: ratioOf(rounds, `Banyan at ${FEW}`, `Fastify at ${FEW}`),
      held: { sign: '>=', bar: 1, aim: 1.5 },
    },
    {
      id: 'P9',
      what: 'append, CPU of the server / Fastify',
      ratio: ratioOf(rounds, 'Banyan', 'Fastify', 'serverUs'),
      held: { sign: '<=', bar: 1.35, aim: 1.2 },
    },
  ];
  return {
    rows,
    details: [
      ...ratesOf('P4, P5, P9 append', rounds, [
        'Fastify',
        'Banyan',
        floor,
        `Fastify at ${FEW}`,
        `Banyan at ${FEW}`,
      ]),
      ...[...foundRates].map(
        ([name, rates]) =>
          `  ${name}, until all are found: ${spreadText(rates)} a second, with the warm-up and all rounds`,
      ),
    ],
  };
}
