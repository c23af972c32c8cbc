import { type ClientRequest, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { MODES, startTestApp, type TestApp } from '../support/app.js';
import { AnswerReader } from '../support/answer-reader.js';
import { TestClient } from '../support/client.js';
import { FakeProvider } from '../support/fake-provider.js';
import { collectGarbage } from '../support/garbage.js';

const STREAMS = 200;
const PEOPLE = 10;

const questionOf = (asked: { body: any }): string => asked.body.messages.at(-1).content;

describe.each(MODES)('many answers at once, words in %s', (mode) => {
  let provider: FakeProvider;
  let server: TestApp;

  beforeAll(async () => {
    provider = await FakeProvider.start();
    server = await startTestApp(mode, provider.settings());
  });
  afterAll(async () => {
    await provider.close();
    await server.close();
  });

  it(`${STREAMS} of them: none is lost, none is mixed up with another, and what is stored are the joined pieces`, async () => {
    const tokensOf = (question: string): string[] =>
      Array.from({ length: 30 }, (_, i) => `${question}.${i} `);
    provider.always((asked) => ({ tokens: tokensOf(questionOf(asked)), delayMs: 100 }));
    const people = await Promise.all(
      Array.from({ length: PEOPLE }, () => TestClient.register(server.url)),
    );
    const chats = await Promise.all(
      people.flatMap((person) => Array.from({ length: STREAMS / PEOPLE }, () => person.aChat())),
    );
    const readers = await Promise.all(
      chats.map(({ id }, i) =>
        AnswerReader.ask(people[Math.floor((i * PEOPLE) / STREAMS)]!, id, `q${i}`),
      ),
    );
    const ends = await Promise.all(readers.map((reader) => reader.end()));
    for (const [i, end] of ends.entries()) {
      const text = tokensOf(`q${i}`).join('');
      expect([end.event, end.data.status, end.data.response, readers[i]!.text]).toEqual([
        'message.completed',
        'complete',
        text,
        text,
      ]);
      expect(readers[i]!.deltas.map(({ data }) => data.n)).toEqual(
        Array.from({ length: 30 }, (_, n) => n + 1),
      );
    }
    const stored = await Promise.all(
      chats.map(
        async ({ id }, i) =>
          (await people[Math.floor((i * PEOPLE) / STREAMS)]!.get(`/chats/${id}/messages`)).body
            .qa_pairs,
      ),
    );
    expect(stored).toEqual(ends.map(({ data }) => [data]));
  });

  describe('the account', () => {
    it('may have so many at once, over all its chats; the provider is not asked for more', async () => {
      provider.reset();
      provider.always({ hangAfter: 1 });
      const person = await TestClient.register(server.url);
      const chats = await Promise.all(Array.from({ length: 25 }, () => person.aChat()));
      const answers = await Promise.all(
        chats.map(({ id }) => AnswerReader.ask(person, id, 'q').catch((error: Error) => error)),
      );
      const readers = answers.filter((one): one is AnswerReader => one instanceof AnswerReader);
      const refused = answers.filter((one): one is Error => one instanceof Error);
      expect([readers.length, refused.length]).toEqual([20, 5]);
      for (const { message } of refused) expect(message).toMatch(/429.*too_many_answers/);
      await provider.untilAsked(20);
      await sleep(100);
      expect(provider.asked).toHaveLength(20);
      // Pairs that need no model are free, and of another account nobody is in the way.
      const free = await person.aChat(1);
      const refusal = await person.post(`/chats/${free.id}/messages`, { question: 'q' });
      expect([refusal.status, refusal.headers.get('retry-after')]).toEqual([429, '2']);
      provider.next({ tokens: ['yes'] });
      const other = await TestClient.register(server.url);
      expect(
        (await other.post(`/chats/${(await other.aChat()).id}/messages`, { question: 'q' })).body
          .status,
      ).toBe('complete');
      await Promise.all(readers.map((reader) => reader.pieces(1)));
      await Promise.all(
        readers.map((reader) =>
          person.post(
            `/chats/${reader.accepted.chat_id}/messages/${reader.accepted.response_id}/stop`,
          ),
        ),
      );
      provider.always({ tokens: ['again'] });
      expect(
        (await person.post(`/chats/${free.id}/messages`, { question: 'q' })).body.response,
      ).toBe('again');
    });
  });
});

it('an account has so many tokens a day, counted over branches and instances', async () => {
  const provider = await FakeProvider.start();
  const settings = provider.settings({ TOKENS_PER_DAY: '30' });
  const server = await startTestApp('postgres', settings);
  const other = await startTestApp('postgres', settings, server.databaseUrl);
  try {
    provider.always({ tokens: ['yes'], usage: { prompt_tokens: 10, completion_tokens: 5 } });
    const person = await TestClient.register(server.url);
    const chat = await person.aChat(1);
    const branch = await person.aBranch(chat.id, chat.pairs[0]!);
    const ask = (one: TestClient, id: string) =>
      one.post(`/chats/${id}/messages`, { question: 'q' });
    expect([
      (await ask(person, chat.id)).status,
      (await ask(person.at(other.url), branch)).status,
    ]).toEqual([201, 201]);
    const refusal = await ask(person, chat.id);
    expect([refusal.status, refusal.body.code, provider.asked.length]).toEqual([
      429,
      'tokens_spent',
      2,
    ]);
    expect(Number(refusal.headers.get('retry-after'))).toBeGreaterThan(0);
    const sum = (answers: number) => ({
      answers,
      input_tokens: 10 * answers,
      output_tokens: 5 * answers,
    });
    expect((await person.get('/usage')).body).toEqual({ today: sum(2), total: sum(2) });
    expect((await person.get(`/chats/${branch}/usage`)).body).toEqual({
      chat_id: branch,
      root_chat_id: chat.id,
      own: sum(1),
      path: sum(1),
      conversation: sum(2),
    });
  } finally {
    await Promise.all([server.close(), other.close()]);
    await provider.close();
  }
});

it('a reader that stops reading holds less than a mebibyte, and the answer goes on without it', async () => {
  const provider = await FakeProvider.start();
  // As much as an answer may have.
  provider.always({ tokens: Array(1000).fill('x'.repeat(255) + ' '), delayMs: 1 });
  const server = await startTestApp('postgres', provider.settings({ CACHE_MAX_MB: '0' }));
  const stuck: ClientRequest[] = [];
  try {
    const person = await TestClient.register(server.url);
    const answerTo = async (readers: number): Promise<void> => {
      const { id } = await person.aChat();
      const asked = await (await AnswerReader.ask(person, id, 'q')).pieces(1);
      const path = `/api/v1/chats/${id}/messages/${asked.accepted.response_id}/stream`;
      for (let n = 0; n < readers; n++) stuck.push(askAndNeverRead(person, path));
      expect((await asked.end()).data).toMatchObject({
        status: 'complete',
        response: expect.stringMatching(/^(x{255} ){1000}$/),
      });
    };
    await answerTo(1);
    const before = await bytesInUse();
    await answerTo(STUCK);
    const held = ((await bytesInUse()) - before) / STUCK;
    process.stderr.write(`a reader that does not read holds ${Math.round(held / 1024)} KiB\n`);
    expect(held).toBeLessThan(1024 * 1024);
  } finally {
    for (const request of stuck) request.destroy();
    await server.close();
    await provider.close();
  }
});

/** Many, so that what the answer itself takes does not count. */
const STUCK = 30;

/** Follows an answer, takes the head of the stream and never a byte of its body. */
function askAndNeverRead(person: TestClient, path: string): ClientRequest {
  const headers = { authorization: `Bearer ${person.token}` };
  const asking = request(`${person.url}${path}`, { headers, agent: false }, (response) =>
    response.pause(),
  );
  asking.on('error', () => {});
  asking.end();
  return asking;
}

/** What is left when all garbage is gone; the client's side of the connections is in it too. */
async function bytesInUse(): Promise<number> {
  await collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
