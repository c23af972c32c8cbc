import { drive, requestOf } from '../load.js';
import { Person } from '../person.js';
import { ratesOf } from '../report.js';
import { counted, inRounds, ratioOf, type Side } from '../rounds.js';
import { assertWhole, chatIdOf } from '../seed.js';
import { pairOf } from '../text.js';
import type { Play, Scenario } from './scenario.js';

/** One at a time: appends that wait together share statements, forks do not. */
const CONNECTIONS = 1;
const CHATS = 50;

/** P14: a fork beside an append, both at Banyan, each in chats of their own. */
export const fork: Scenario = {
  ids: ['P14'],
  play: async (play) => {
    const { stage, options, say } = play;
    const sides: Side[] = [];
    for (const [name, requests] of Object.entries(await requestsOf(play))) {
      let n = 0;
      const load = {
        port: stage.banyan.port,
        connections: CONNECTIONS,
        next: () => requests[n++ % requests.length]!,
      };
      sides.push({
        name,
        run: () => counted(stage, stage.banyan, () => drive(load, options.sliceMs)),
      });
    }
    const rounds = await inRounds(options.rounds, sides[0]!, sides.slice(1), say);
    await assertWhole(stage.sql, stage.accountId);
    const time = ratioOf(rounds, 'append', 'fork');
    return {
      rows: [
        {
          id: 'P14',
          what: 'time of a fork / time of an append',
          ratio: time,
          held: { sign: '<=', bar: 1.5, aim: 1.2 },
        },
      ],
      details: ratesOf('P14 fork', rounds, ['append', 'fork']),
    };
  },
};

async function requestsOf({ stage, bed }: Play): Promise<Record<'append' | 'fork', string[]>> {
  const person = await Person.of(stage);
  const made: Record<'append' | 'fork', string[]> = { append: [], fork: [] };
  const post = (path: string, body: object) =>
    requestOf('POST', `/api/v1${path}`, { token: stage.token, body: JSON.stringify(body) });
  for (let n = 1; n <= CHATS; n++) {
    made.append.push(post(`/chats/${chatIdOf(n)}/messages`, pairOf(n)));
    const chatId = await bed.fresh();
    made.fork.push(
      post(`/chats/${chatId}/branches`, { response_id: await person.append(chatId, pairOf(n)) }),
    );
  }
  person.close();
  return made;
}
