import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Person } from '../person.js';
import { type Finding, short } from '../report.js';
import { median, spreadOf } from '../rounds.js';
import { withBanyan } from '../stage.js';
import type { Play, Scenario } from './scenario.js';

const SMALL = 10;
const BIG = 1000;
const QUESTIONS = 15;
/** Before it counts, as in `rounds.ts`: a server that has just started is slower. */
const WARM_QUESTIONS = 3 * QUESTIONS;

/**
 * P16: how much later the provider is asked, and says its first word, in a chat of 1,000 pairs than
 * in one of 10; in milliseconds, questions in turn: so each is the next one of its chat, and the
 * words of the others are in memory (`recent-words.ts`). The provider is in this process and
 * answers at once; the window is the default, so of the 1,000 pairs some 600 are told.
 */
export const firstToken: Scenario = {
  ids: ['P16'],
  play: async (play) => {
    const provider = await aProvider();
    try {
      return await withBanyan(play.stage, provider.settings, (server) => measure(play, server));
    } finally {
      await provider.close();
    }
  },
};

async function measure(
  { stage, bed, options, say }: Play,
  banyan: Play['stage']['banyan'],
): Promise<Finding> {
  const person = await Person.of({ ...stage, banyan });
  const chats = [await bed.filled(SMALL), await bed.filled(BIG)] as const;
  // The first question in a long chat counts its pairs, once.
  const first = await firstTokenIn(person, chats[1]);
  for (let question = 0; question < WARM_QUESTIONS; question++)
    for (const chat of chats) await firstTokenIn(person, chat);
  const rounds: { small: number; big: number }[] = [];
  for (let n = 0; n < options.rounds; n++) {
    const [small, big]: [number[], number[]] = [[], []];
    for (let question = 0; question < QUESTIONS; question++) {
      small.push(await firstTokenIn(person, chats[0]));
      big.push(await firstTokenIn(person, chats[1]));
    }
    rounds.push({ small: median(small), big: median(big) });
    say(
      `round ${n + 1}: ${short(median(small))} ms at ${SMALL} pairs, ${short(median(big))} at ${BIG}`,
    );
  }
  person.close();
  const later = spreadOf(rounds.map(({ small, big }) => big - small));
  const [small, big] = (['small', 'big'] as const).map((side) =>
    short(median(rounds.map((round) => round[side]))),
  );
  return {
    rows: [
      {
        id: 'P16',
        what: `first token at ${BIG} pairs later than at ${SMALL}, ms`,
        ratio: later,
        held: { sign: '<=', bar: 10, aim: 10 },
      },
    ],
    details: [
      `P16 first token: ${small} ms at ${SMALL} pairs, ${big} at ${BIG}; ${short(first)} at the very first question there, which counts its pairs`,
    ],
  };
}

/**
 * As the server measured it: from its acceptance to the first piece. The question keeps the chat's
 * length, to a pair.
 */
async function firstTokenIn(person: Person, chatId: string): Promise<number> {
  const answer = await person.call('POST', `/chats/${chatId}/messages`, {
    question: 'And what follows from that?',
  });
  const { status, usage } = answer.json;
  if (status !== 'complete') throw new Error(`a question ended ${status}: the measurement is void`);
  return usage.first_token_ms;
}

const ANSWER = [
  `data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"Well."},"finish_reason":null}]}`,
  `data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`,
  `data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}`,
  'data: [DONE]',
  '',
].join('\n\n');

/** Speaks as much of OpenAI's API as it takes, and answers as soon as the question is there. */
async function aProvider() {
  const server = createServer((request, response) => {
    request
      .resume()
      .once('end', () =>
        response.writeHead(200, { 'content-type': 'text/event-stream' }).end(ANSWER),
      );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    settings: {
      OPENAI_BASE_URL: `http://127.0.0.1:${port}/v1`,
      OPENAI_API_KEY: 'sk-bench',
      LLM_MODEL: 'bench',
    },
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}
