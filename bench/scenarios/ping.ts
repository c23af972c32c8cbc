import { drive, requestOf } from '../load.js';
import { ratesOf } from '../report.js';
import { counted, inRounds, ratioOf, type Side } from '../rounds.js';
import type { Server } from '../stage.js';
import type { Scenario } from './scenario.js';

const CONNECTIONS = 32;

/** P0: what a request costs that asks for nothing. */
export const ping: Scenario = {
  ids: ['P0'],
  play: async ({ stage, options, say }) => {
    const side = (name: string, server: Server, path: string): Side => {
      const load = {
        port: server.port,
        connections: CONNECTIONS,
        next: () => requestOf('GET', path),
      };
      return { name, run: () => counted(stage, server, () => drive(load, options.sliceMs / 2)) };
    };
    const others = [side('Fastify', stage.peer, '/ping'), side('Banyan', stage.banyan, '/livez')];
    const rounds = await inRounds(options.rounds, side('node:http', stage.ping, '/'), others, say);
    return {
      rows: [
        {
          id: 'P0',
          what: 'empty request: server CPU, Banyan / node:http',
          ratio: ratioOf(rounds, 'Banyan', 'node:http', 'serverUs'),
        },
      ],
      details: ratesOf('P0 empty request', rounds, ['node:http', 'Fastify', 'Banyan']),
    };
  },
};
