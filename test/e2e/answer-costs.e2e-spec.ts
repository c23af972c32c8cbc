import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { AnswerReader } from '../support/answer-reader.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { FakeProvider } from '../support/fake-provider.js';

/**
 * What a server asks by itself: its loops, the word to other instances, one for all changes of
 * 20 ms, and whether a sign-in still stands, each ten seconds.
 */
const BY_ITSELF =
  /^(webhook\.|events?\.|journal\.|answer\.(abandoned|forget_ended)|LISTEN|search\.|auth\.living|database\.)/;

/** So long after its last statement nothing follows an answer any more. */
const QUIET_MS = 200;

/**
 * The statements that PostgreSQL is sent while `work` is done, each by its name or its first words.
 * What still follows the answer before is waited for.
 */
async function sentIn(work: () => Promise<unknown>): Promise<string[]> {
  const query = jest.spyOn(pg.Client.prototype, 'query');
  try {
    const sent = (): string[] =>
      query.mock.calls
        .map(([statement]) => nameOf(statement as never))
        .filter((name) => !BY_ITSELF.test(name));
    let before: number;
    do {
      before = sent().length;
      await sleep(QUIET_MS);
    } while (sent().length > before);
    await work();
    return sent().slice(before);
  } finally {
    query.mockRestore();
  }
}

/**
 * The same of one that was quick: pieces are put down each quarter of a second, so of an answer
 * that took longer it is asked again.
 * @param written how often that is done of this one, however quick it is
 */
async function sentQuickly(written: number, work: () => Promise<unknown>): Promise<string[]> {
  for (;;) {
    const sent = await sentIn(work);
    if (sent.filter((name) => name === 'answer.write_chunks').length <= written) return sent;
  }
}

function nameOf(statement: string | { name?: string; text: string }): string {
  const { name, text } =
    typeof statement === 'string' ? { name: undefined, text: statement } : statement;
  return name ?? text.trim().replace(/\s+/g, ' ').slice(0, 60);
}

describe('an answer is not dearer than it has to be: what PostgreSQL is asked', () => {
  let provider: FakeProvider;
  let server: TestApp;
  let ann: TestClient;

  beforeAll(async () => {
    provider = await FakeProvider.start();
    server = await startTestApp('postgres', provider.settings());
    ann = await TestClient.register(server.url);
  });
  afterAll(async () => {
    await server.close();
    await provider.close();
  });

  it('for a streamed answer in a chat with others, 11 statements at most, its transaction included', async () => {
    const { id } = await ann.aChat(3);
    let seq = 4;
    const sent = await sentQuickly(1, async () => {
      // So long that its pieces are put down before its end.
      provider.next({ tokens: ['Hello '.repeat(200), 'there'], gateAfter: 1 });
      const reader = await (await AnswerReader.ask(ann, id, 'Where does it begin?')).pieces(1);
      provider.release();
      expect((await reader.end()).data).toMatchObject({ status: 'complete', seq: seq++ });
    });
    expect({ sent, isFew: sent.length <= 11 }).toEqual({ sent, isFew: true });
    // Nothing is left out that is needed.
    expect(sent).toEqual(
      expect.arrayContaining([
        'append.generating.chat_contents',
        'answer.context.chat_contents',
        'answer.write_chunks',
        'COMMIT',
      ]),
    );
  });

  it.each([false, true])(
    'for a response in a new chat (stream: %s), 16 statements at most: what was just written is not read again',
    async (stream) => {
      const sent = await sentQuickly(0, async () => {
        const answer = await ann.request('POST', '/v1/responses', {
          body: { model: 'fake-1', input: 'Where does it begin?', stream },
        });
        expect([answer.status, answer.text]).toEqual([
          200,
          expect.stringContaining('Hello from the fake provider.'),
        ]);
      });
      expect({ sent, isFew: sent.length <= 16 }).toEqual({ sent, isFew: true });
      expect(
        sent.filter((statement) => /^(openai\.place|chat\.find|path\.)/.test(statement)),
      ).toEqual([]);
      expect(sent.filter((statement) => statement === 'COMMIT')).toHaveLength(2);
    },
  );
});
