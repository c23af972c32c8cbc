import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import pg, { Client } from 'pg';
import { newId } from '../../src/common/ids.js';
import { forkStatement, forkValues } from '../../src/modules/chat/fork.sql.js';
import { appendStatements, oneInput } from '../../src/modules/message/append.sql.js';
import { jumpOfChild, type Link } from '../../src/tree/lineage.js';
import { MODES, startTestApp, type TestApp } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { grow, spread } from '../support/grown-tree.js';

describe.each(MODES)('a fork, words in %s', (mode) => {
  let server: TestApp;
  let sql: Client;
  let ann: TestClient;
  const table = mode === 'mongo' ? 'content_journal' : 'chat_contents';

  beforeAll(async () => {
    server = await startTestApp(mode);
    sql = new Client({ connectionString: server.databaseUrl });
    await sql.connect();
    ann = await TestClient.register(server.url);
  });
  afterAll(async () => {
    await sql.end();
    await server.close();
  });

  /**
   * The statements that this process sends while `work` is done, but for those of the housekeeping.
   */
  async function statementsOf(work: () => Promise<unknown>): Promise<string[]> {
    const sent: string[] = [];
    const query = pg.Client.prototype.query as (...args: unknown[]) => unknown;
    const note = function (this: unknown, ...args: unknown[]): unknown {
      const { name, text } = (typeof args[0] === 'string' ? { text: args[0] } : args[0]) as {
        name?: string;
        text: string;
      };
      sent.push(name ?? text);
      return query.apply(this, args);
    };
    pg.Client.prototype.query = note as typeof pg.Client.prototype.query;
    try {
      await work();
    } finally {
      pg.Client.prototype.query = query as typeof pg.Client.prototype.query;
    }
    return sent.filter((name) =>
      /^(chat|append|idempotency|branch|path)\.|^START|^COMMIT|^\s*(INSERT|UPDATE|WITH)/.test(name),
    );
  }

  it('is one statement in one round trip, with a key too, like an append (R10)', async () => {
    const chat = await ann.aChat(2);
    const branch = await ann.aBranch(chat.id, chat.pairs[1]!);
    for (const [from, pair] of [
      [chat.id, chat.pairs[1]!],
      [branch, chat.pairs[0]!],
      [branch, null],
    ] as const) {
      for (const headers of [undefined, { 'idempotency-key': randomUUID() }]) {
        const sent = await statementsOf(() =>
          ann.post(`/chats/${from}/branches`, { response_id: pair, name: 'one' }, headers),
        );
        expect(sent).toEqual([expect.stringMatching(/^chat\.fork\./)]);
      }
    }
    expect(await statementsOf(() => ann.append(branch, 'x'))).toEqual([
      expect.stringMatching(/^append\.one\./),
    ]);
  });

  it('answers the branch as it is read afterwards, and the same bytes for the key again', async () => {
    const root = await ann.aChat(2, {
      name: 'root',
      system_prompt: 'Be "brief".\n\u2028',
      model: 'offline',
    });
    const middle = await ann.aBranch(root.id, root.pairs[0]!);
    await ann.append(middle, 'x');
    for (const [responseId, name] of [
      [root.pairs[0]!, 'Jo "the\\ branch" /\u2028\u00e9\ud83d\ude00\u0007'],
      [null, null],
    ]) {
      for (const path of [`/chats/${middle}/branches`, '/branches/create-branch']) {
        const body = {
          response_id: responseId,
          name,
          ...(path.startsWith('/branches') && { chat_id: middle }),
        };
        const key = { 'idempotency-key': randomUUID() };
        const made = await ann.post(path, body, key);
        const { content: _content, ...chat } = (await ann.get(`/chats/${made.body.chat_id}`)).body;
        expect([made.status, made.body]).toEqual([201, chat]);
        expect(Object.keys(made.body)).toEqual(Object.keys(chat));
        const again = await ann.post(path, body, key);
        expect([again.text, again.headers.get('idempotent-replayed')]).toEqual([made.text, 'true']);
        expect((await ann.post(path, { ...body, name: 'other' }, key)).body.code).toBe(
          'idempotency_key_reused',
        );
      }
    }
  });

  it('hangs where the pure rules say: its place, depth and jump pointer', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ from: fc.nat(), at: fc.nat(), append: fc.boolean() }), {
          minLength: 20,
          maxLength: 40,
        }),
        async (script) => {
          const chat = await ann.aChat(1);
          const paths = new Map([[chat.id, [...chat.pairs]]]);
          for (const { from, at, append } of script) {
            // Mostly at the newest branch, so that the tree becomes deep.
            const [id, path] = [...paths].at(from % 4 === 0 ? from % paths.size : -1)!;
            const branch = await ann.aBranch(
              id,
              path[at % 5 === 0 ? at % path.length : path.length - 1] ?? null,
            );
            const end = path.indexOf(path[at % 5 === 0 ? at % path.length : path.length - 1]!) + 1;
            paths.set(branch, path.slice(0, end));
            if (append || at % 3 > 0) paths.get(branch)!.push(await ann.append(branch, 'x'));
          }
          const links = await linksOf(chat.id);
          for (const link of links.values()) {
            const parent = links.get(link.parentChatId ?? '');
            const expected = parent
              ? { depth: parent.depth + 1, jump: jumpOfChild(parent, (id) => links.get(id)!) }
              : { depth: 0, jump: chat.id };
            expect({ depth: link.depth, jump: link.jumpChatId }).toEqual(expected);
          }
        },
      ),
      { numRuns: 5 },
    );
  });

  async function linksOf(rootId: string): Promise<Map<string, Link>> {
    const { rows } = await sql.query<Link>(
      `SELECT chat_id AS "chatId", parent_chat_id AS "parentChatId", fork_seq AS "forkSeq", depth, jump_chat_id AS "jumpChatId" FROM chats WHERE root_chat_id = $1`,
      [rootId],
    );
    return new Map(rows.map((row) => [row.chatId, row]));
  }

  it('refuses as before: a pair of elsewhere, a deleted chat, a stranger', async () => {
    const chat = await ann.aChat(2);
    const branch = await ann.aBranch(chat.id, chat.pairs[0]!);
    const other = await ann.aChat(1);
    const bob = await TestClient.register(server.url);
    const fork = (who: TestClient, id: string, pair: string) =>
      who.post(`/chats/${id}/branches`, { response_id: pair }, { 'idempotency-key': randomUUID() });
    expect((await fork(ann, branch, chat.pairs[1]!)).body.code).toBe('message_not_found');
    expect((await fork(ann, chat.id, other.pairs[0]!)).body.code).toBe('message_not_found');
    expect((await fork(bob, chat.id, chat.pairs[0]!)).body.code).toBe('chat_not_found');
    await ann.delete(`/chats/${branch}`);
    expect((await fork(ann, branch, chat.pairs[0]!)).body.code).toBe('chat_not_found');
  });

  it('that waited for an answer to begin again in its place sees it', async () => {
    const chat = await ann.aChat(1);
    const other = new Client({ connectionString: server.databaseUrl });
    await other.connect();
    await other.query('BEGIN');
    // What a retry of the pair does, and does not commit yet.
    await other.query('UPDATE chats SET revision = revision + 1 WHERE chat_id = $1', [chat.id]);
    await other.query(`UPDATE messages SET status = 'streaming' WHERE response_id = $1`, [
      chat.pairs[0],
    ]);
    const fork = ann.post(`/chats/${chat.id}/branches`, { response_id: chat.pairs[0] });
    for (let waits = false; !waits;) {
      const { rows } = await sql.query(
        `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      );
      waits = rows.length > 0;
    }
    await other.query('COMMIT');
    await other.end();
    expect((await fork).body.code).toBe('generation_in_progress');
  });

  it('writes at most one and a half times the log of an append, and touches a few blocks more (R10)', async () => {
    const chat = await ann.aChat(40);
    const branch = await ann.aBranch(chat.id, chat.pairs[30]!);
    const pair = () => ({
      ...{
        accountId: ann.accountId,
        chatId: chat.id,
        responseId: newId(),
        sha256: Buffer.alloc(32),
        parent: undefined,
        mustBeActive: false,
      },
      ...{
        idempotent: null,
        generation: null,
        version: 1,
        messageType: 'text' as const,
        status: 'complete' as const,
        author: null,
        model: null,
      },
      ...{
        usage: null,
        error: null,
        createdAt: new Date(),
        body: `{"question":"${'q'.repeat(300)}","response":"a"}`,
        branches: [],
        branchesTotal: 0,
      },
    });
    const fork = (chatId: string) => ({
      ...{
        accountId: ann.accountId,
        chatId,
        rootChatId: chat.id,
        branchId: newId(),
        responseId: chat.pairs[20]!,
        name: null,
      },
      ...{ createdAt: new Date(), idempotent: null },
    });
    // Of a size and with statistics that make a look-up by key the cheapest way, as in any server
    // that is in use.
    const bob = await TestClient.register(server.url);
    await grow(sql, bob.accountId, await bob.aChat(1), 5000, spread);
    await sql.query('VACUUM ANALYZE');
    const [appends, forks]: [Cost[], Cost[]] = [[], []];
    for (let n = 0; n < 20; n++) {
      appends.push(await costOf(appendStatements(table).one.text, oneInput(pair())));
      forks.push(
        await costOf(forkStatement(table).text, forkValues(fork(n % 2 === 0 ? chat.id : branch))),
      );
    }
    const median = (costs: Cost[], of: keyof Cost): number =>
      costs.map((cost) => cost[of]).sort((a, b) => a - b)[10]!;
    expect(median(forks, 'bytes') / median(appends, 'bytes')).toBeLessThanOrEqual(1.5);
    // A fork also looks up its pair, the owner of the pair, and where two jump pointers lead. The
    // least of the dearer kind: who has an older snapshot meanwhile only ever adds blocks.
    const least = (costs: Cost[]): number => Math.min(...costs.map(({ blocks }) => blocks));
    const ofABranch = forks.filter((_, n) => n % 2 === 1);
    expect(least(ofABranch) - least(appends)).toBeLessThanOrEqual(40);
  });

  interface Cost {
    blocks: number;
    bytes: number;
  }

  interface Plan {
    'Node Type': string;
    'Shared Hit Blocks': number;
    'Shared Read Blocks': number;
    'WAL Bytes': number;
    'Parent Relationship'?: string;
    Plans?: Plan[];
  }

  /**
   * What it costs where no row has old versions. They stay while anybody has an older snapshot, so
   * how many of them a look-up by key has to pass would be chance; of what is undone none do.
   */
  async function costOf(text: string, values: unknown[]): Promise<Cost> {
    await sql.query('BEGIN');
    const { rows } = await sql.query(
      `EXPLAIN (ANALYZE, BUFFERS, WAL, FORMAT JSON) ${text}`,
      values,
    );
    await sql.query('ROLLBACK');
    await sql.query(`VACUUM chats, conversations, messages, events, ${table}`);
    return ownCost(rows[0]['QUERY PLAN'][0].Plan);
  }

  /**
   * What a node says is with all below it; who scans a part of a WITH counts again what that part
   * did.
   */
  function ownCost(plan: Plan): Cost {
    const below = plan.Plans ?? [];
    const own = (of: (node: Plan) => number): number => {
      const inputs = below.filter((node) => node['Parent Relationship'] !== 'InitPlan');
      return plan['Node Type'] === 'CTE Scan'
        ? 0
        : of(plan) - inputs.reduce((sum, node) => sum + of(node), 0);
    };
    const blocksOf = (node: Plan): number => node['Shared Hit Blocks'] + node['Shared Read Blocks'];
    const cost = { blocks: own(blocksOf), bytes: own((node) => node['WAL Bytes']) };
    return below
      .map(ownCost)
      .reduce(
        (sum, { blocks, bytes }) => ({ blocks: sum.blocks + blocks, bytes: sum.bytes + bytes }),
        cost,
      );
  }
});
