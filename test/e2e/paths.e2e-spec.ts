import fc from 'fast-check';
import { type Link, stretchesOf } from '../../src/tree/lineage.js';
import { MODES, withClient } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { type SharedServer, sharedServer } from '../support/shared-server.js';

interface Line {
  id: string;
  /** The path as a copying model has it: questions and response ids. */
  path: { question: string; responseId: string }[];
}

type Step = { kind: 'append' | 'fork'; chat: number; at: number };

describe.each(MODES)('any tree, words in %s', (mode) => {
  let server: SharedServer;
  let ann: TestClient;

  beforeAll(async () => {
    server = await sharedServer(mode);
    ann = await TestClient.register(server.url);
  });
  afterAll(() => server.close());

  const step = fc.record({
    kind: fc.constantFrom<'append' | 'fork'>('append', 'append', 'fork'),
    chat: fc.nat(),
    at: fc.nat(),
  });

  async function grow(script: readonly Step[]): Promise<Line[]> {
    const lines: Line[] = [{ id: (await ann.aChat()).id, path: [] }];
    for (const [n, { kind, chat, at }] of script.entries()) {
      const line = lines[chat % lines.length]!;
      if (kind === 'append') {
        const question = `question ${n}`;
        line.path.push({ question, responseId: await ann.append(line.id, question) });
      } else {
        const length = at % (line.path.length + 1);
        const id = await ann.aBranch(line.id, line.path[length - 1]?.responseId ?? null);
        lines.push({ id, path: line.path.slice(0, length) });
      }
    }
    return lines;
  }

  it('is read, in pages of any size from either end and around any pair, as if every branch had a copy of its history', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 5, maxLength: 40 }),
        fc.integer({ min: 1, max: 9 }),
        async (script, limit) => {
          for (const { id, path } of await grow(script)) {
            const questions = path.map(({ question }) => question);
            expect(await pagesBack(id, limit)).toEqual(questions);
            expect(await pagesForth(id, limit)).toEqual(questions);
            for (const { question, responseId } of path.slice(0, 3)) {
              const { body } = await ann.get(
                `/chats/${id}/messages?around=${responseId}&limit=${limit}`,
              );
              const shown = body.qa_pairs.map((pair: any) => pair.question);
              expect(shown).toContain(question);
              expect(questions.join()).toContain(shown.join());
            }
          }
        },
      ),
      { numRuns: 12 },
    );
  });

  it('is cut into stretches by SQL exactly as by the rules', async () => {
    const script: Step[] = Array.from({ length: 60 }, (_, n) => ({
      kind: n % 3 === 2 ? 'fork' : 'append',
      chat: n * 7919,
      at: n * 104729,
    }));
    const lines = await grow(script);
    const links = await readLinks(lines[0]!.id);
    for (const { id, path } of lines) {
      for (const [from, to] of [
        [1, path.length],
        [2, path.length - 1],
        [path.length, path.length],
      ] as const) {
        if (from < 1 || from > to) continue;
        const { body } = await ann.get(
          `/chats/${id}/messages?after=${Buffer.from(`${id}|${from - 1}`).toString('base64url')}&limit=${to - from + 1}`,
        );
        const owners = stretchesOf(links.get(id)!, { from, to }, (chatId) =>
          links.get(chatId)!,
        ).flatMap((s) => Array(s.to - s.from + 1).fill(s.chatId));
        expect(body.qa_pairs.map((pair: any) => pair.chat_id)).toEqual(owners);
      }
    }
  });

  (mode === 'mongo' ? it : it.skip)(
    'has its words from MongoDB where the journal has none of them, or only asks for the mirror',
    async () => {
      const { id, pairs } = await ann.aChat(2);
      await withClient(server.databaseUrl, async (client) => {
        await client.query(
          `UPDATE content_journal SET body = NULL WHERE chat_id = $1 AND seq = 1`,
          [id],
        );
        await client.query(`DELETE FROM content_journal WHERE chat_id = $1 AND seq = 2`, [id]);
      });
      expect(await ann.questionsOf(id)).toEqual(['q1', 'q2']);
      expect((await ann.get(`/chats/${id}/messages/${pairs[0]}`)).body.question).toBe('q1');
    },
  );

  async function pagesBack(id: string, limit: number): Promise<string[]> {
    const seen: string[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const { body }: { body: any } = await ann.get(
        `/chats/${id}/messages?limit=${limit}${cursor && `&before=${cursor}`}`,
      );
      seen.unshift(...body.qa_pairs.map((pair: any) => pair.question));
      cursor = body.prev_cursor;
    }
    return seen;
  }

  async function pagesForth(id: string, limit: number): Promise<string[]> {
    const seen: string[] = [];
    for (
      let cursor: string | null = Buffer.from(`${id}|0`).toString('base64url');
      cursor !== null;
    ) {
      const { body }: { body: any } = await ann.get(
        `/chats/${id}/messages?limit=${limit}&after=${cursor}`,
      );
      seen.push(...body.qa_pairs.map((pair: any) => pair.question));
      cursor = body.next_cursor;
    }
    return seen;
  }

  const readLinks = (rootId: string): Promise<Map<string, Link>> =>
    withClient(server.databaseUrl, async (client) => {
      const { rows } = await client.query<Link>(
        `SELECT chat_id AS "chatId", parent_chat_id AS "parentChatId", fork_seq AS "forkSeq", depth, jump_chat_id AS "jumpChatId" FROM chats WHERE root_chat_id = $1`,
        [rootId],
      );
      return new Map(rows.map((row) => [row.chatId, row]));
    });
});
