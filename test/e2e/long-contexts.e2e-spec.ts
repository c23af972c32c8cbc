import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Client } from 'pg';
import { chatIdOf, seedChats, seedPairs } from '../../bench/seed.js';
import { Database } from '../../src/database/database.js';
import { fitToWindow } from '../../src/llm/context-window.js';
import { TokenCounter } from '../../src/llm/token-counter.js';
import {
  type ContextBlock,
  contextRowsOf,
  contextStatement,
} from '../../src/modules/context/context.sql.js';
import { WordsRange } from '../../src/modules/context/recent-words.js';
import { MODES, startTestApp, type TestApp } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { FakeProvider } from '../support/fake-provider.js';
import { until } from '../support/machine-clock.js';

/** The smallest that the settings allow; a quarter of it is kept free for the answer. */
const WINDOW = { contextTokens: 1024, outputTokens: 256 };
const ROOM = WINDOW.contextTokens - WINDOW.outputTokens;
/** The bounds of the words that a server knows that has just started. */
const NOTHING = [new WordsRange().from, new WordsRange().to].join(', ');

describe.each(MODES)('the context of a question, words in %s', (mode) => {
  let provider: FakeProvider;
  let server: TestApp;
  let ann: TestClient;
  let accountId: string;
  let sql: Client;
  let seeded = 0;

  beforeAll(async () => {
    provider = await FakeProvider.start();
    server = await startTestApp(
      mode,
      provider.settings({ LLM_CONTEXT_TOKENS: String(WINDOW.contextTokens) }),
    );
    ann = await TestClient.register(server.url);
    ({ accountId } = ann);
    sql = new Client({ connectionString: server.databaseUrl });
    await sql.connect();
  });
  afterEach(() => provider.reset());
  afterAll(async () => {
    await sql.end();
    await server.close();
    await provider.close();
  });

  /** A chat with so many pairs of 920 bytes that a person had posted. */
  async function aSeededChat(pairs: number): Promise<string> {
    seeded++;
    const chatId = chatIdOf(seeded);
    await seedChats(sql, accountId, seeded, seeded);
    await seedPairs(sql, accountId, [chatId], pairs);
    if (mode === 'mongo') await moveToJournal(chatId);
    return chatId;
  }

  const moveToJournal = (chatId: string) =>
    sql.query(
      `WITH words AS (DELETE FROM chat_contents WHERE chat_id = $1 RETURNING *)
       INSERT INTO content_journal (account_id, chat_id, seq, version, body, due_at, created_at)
       SELECT account_id, chat_id, seq, version, body, now() + interval '1 h', now() FROM words`,
      [chatId],
    );

  const askIn = (chatId: string, question = 'And now?') =>
    ann.post(`/chats/${chatId}/messages`, { question });
  const toldTo = (at: number): { role: string; content: string }[] =>
    provider.asked.at(at)!.body.messages;
  const counts = async (chatId: string) =>
    (
      await sql.query(
        'SELECT seq, version, tokens FROM message_tokens WHERE chat_id = $1 ORDER BY seq',
        [chatId],
      )
    ).rows;

  /** Until what was counted for the last question is kept, which nobody waits for. */
  async function untilCounted(chatId: string, pairs: number): Promise<void> {
    await until(async () => (await counts(chatId)).length >= pairs);
  }

  async function pathOf(
    chatId: string,
  ): Promise<{ question: string; response: string | null; tokens: null }[]> {
    const all: { question: string; response: string | null; tokens: null }[] = [];
    for (let path = `/chats/${chatId}/messages?limit=100`; ;) {
      const { body } = await ann.get(path);
      all.unshift(
        ...body.qa_pairs.map(({ question, response }: any) => ({
          question,
          response,
          tokens: null,
        })),
      );
      if (!body.prev_cursor) return all;
      path = `/chats/${chatId}/messages?limit=100&before=${body.prev_cursor}`;
    }
  }

  it('is the newest part of its path that has room, over branches of branches, whether it was counted before or not', async () => {
    const counter = server.app.get(TokenCounter, { strict: false });
    const root = await ann.aChat();
    await ann.patch(`/chats/${root.id}`, { system_prompt: 'Answer as a gardener would.' });
    let chatId = root.id;
    let told = 0;
    for (let level = 0; level < 6; level++) {
      let last = '';
      for (let n = 0; n < 5; n++) {
        const response =
          n % 4 === 3 ? null : `${level}.${n} `.repeat(level === 3 ? 1 : 60 - 6 * level);
        last = (
          await ann.post(`/chats/${chatId}/messages`, {
            question: `Tell me of ${level}.${n}`,
            response,
          })
        ).body.response_id;
      }
      const earlier = await pathOf(chatId);
      told = 2 * earlier.length;
      // The second time what the first one counted is known; and the answer of the first one,
      // before a fork at the pair in front of it.
      for (let time = 0; time < 2; time++) {
        chatId = await ann.aBranch(chatId, last);
        const { body } = await askIn(chatId);
        expect(body.status).toBe('complete');
        const { messages } = await fitToWindow(
          {
            systemPrompt: 'Answer as a gardener would.',
            earlier,
            question: { question: 'And now?', response: null },
          },
          WINDOW,
          counter.count,
        );
        expect(toldTo(-1)).toEqual(messages);
      }
    }
    expect(toldTo(-1).length).toBeLessThan(told);
  });

  it('costs the same statements, rows and tokens to be counted at 1,000 pairs as at 10', async () => {
    const database = server.app.get(Database, { strict: false });
    const counter = server.app.get(TokenCounter, { strict: false });
    const [short, long] = [await aSeededChat(10), await aSeededChat(1000)];
    const costOf = async (chatId: string) => {
      const statements: string[] = [];
      const counted: number[] = [];
      let rows = 0;
      const query = database.query.bind(database);
      const count = counter.count;
      const spy = jest.spyOn(database, 'query').mockImplementation(async (statement, values) => {
        const result = await query(statement, values);
        // Leases are renewed by the clock.
        if (!statement.name.startsWith('answer.context') && statement.name !== 'chat.find')
          return result as never;
        statements.push(statement.name);
        rows += contextRowsOf(result as ContextBlock[]).length;
        return result as never;
      });
      Object.assign(counter, {
        count: (texts: string[]) => (counted.push(texts.length), count(texts)),
      });
      try {
        expect((await askIn(chatId)).body.status).toBe('complete');
      } finally {
        spy.mockRestore();
        Object.assign(counter, { count });
      }
      return { statements, rows, counted };
    };
    await askIn(short);
    await askIn(long);
    await Promise.all([untilCounted(short, 4), untilCounted(long, 4)]);
    const [atShort, atLong] = [await costOf(short), await costOf(long)];
    expect(atLong).toEqual(atShort);
    const reading = `answer.context.${mode === 'postgres' ? 'chat_contents' : 'content_journal'}`;
    // What the chat says is known from the append.
    expect(atShort.statements).toEqual([reading]);
    // The question and the newest pair at most; no pair a second time.
    expect(atShort.counted.reduce((sum, texts) => sum + texts, 0)).toBeLessThanOrEqual(4);
  });

  it('is read in one range of each table, however long the chat: ten times in a row by one connection', async () => {
    const blocks = async (chatId: string, seq: number) => {
      const { text } = contextStatement(mode === 'postgres' ? 'chat_contents' : 'content_journal');
      const values = `'${accountId}'::uuid, '${chatId}'::uuid, ${seq}, ${ROOM}, ${NOTHING}`;
      await sql.query(`PREPARE context (uuid, uuid, int, bigint, int, int) AS ${text}`);
      const read: number[] = [];
      for (let time = 0; time < 10; time++) {
        const { rows } = await sql.query(
          `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE context (${values})`,
        );
        const { Plan: plan } = rows[0]['QUERY PLAN'][0];
        expect(removedBy(plan)).toBeLessThan(200);
        read.push(plan['Shared Hit Blocks'] + plan['Shared Read Blocks']);
      }
      await sql.query('DEALLOCATE context');
      return Math.max(...read);
    };
    const [middle, long] = [await aSeededChat(200), await aSeededChat(5000)];
    await sql.query('ANALYZE');
    const [atMiddle, atLong] = [await blocks(middle, 200), await blocks(long, 5000)];
    expect(atLong / atMiddle).toBeLessThan(1.5);
    expect(atLong).toBeLessThan(150);
  });

  it('knows a count by the version of the words: those of another one are counted anew', async () => {
    const { id } = await ann.aChat();
    const said = { question: 'a word '.repeat(100), response: 'yes' };
    const { response_id } = (await ann.post(`/chats/${id}/messages`, said)).body;
    const branch = await ann.aBranch(id, response_id);
    await ann.post(`/chats/${branch}/messages`, {
      question: 'b word '.repeat(100),
      response: null,
    });
    await askIn(branch);
    await untilCounted(id, 1);
    const [before] = await counts(id);
    await sql.query(`UPDATE messages SET version = version + 1 WHERE response_id = $1`, [
      response_id,
    ]);
    await sql.query(
      `UPDATE ${mode === 'postgres' ? 'chat_contents' : 'content_journal'} SET version = version + 1 WHERE chat_id = $1`,
      [id],
    );
    await sql.query(`UPDATE message_tokens SET tokens = 1000000 WHERE chat_id = $1`, [id]);
    await askIn(branch);
    expect(toldTo(-1).map(({ content }) => content.slice(0, 6))).toContain('a word');
    await until(async () => (await counts(id))[0].version !== before.version);
    expect((await counts(id))[0].tokens).toBe(before.tokens);
  });
});

/** Rows that were read in vain, by the joins and filters of a plan. */
function removedBy(plan: any): number {
  const own =
    ((plan['Rows Removed by Join Filter'] ?? 0) + (plan['Rows Removed by Filter'] ?? 0)) *
    plan['Actual Loops'];
  return (plan.Plans ?? []).reduce((sum: number, child: any) => sum + removedBy(child), own);
}
