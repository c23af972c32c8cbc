import fc from 'fast-check';
import { Client } from 'pg';
import { TREE_PAGE } from '../../src/modules/branch/tree.sql.js';
import { NESTING_MAX, NODES_MAX } from '../../src/tree/branch-tree.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { type Answer, TestClient } from '../support/client.js';
import { chain, grow, type Grown, onePair, type Shape, spread } from '../support/grown-tree.js';

interface Node {
  chat_id: string;
  parent_chat_id: string | null;
  children: Node[];
}

let server: TestApp;
let sql: Client;

beforeAll(async () => {
  server = await startTestApp();
  sql = new Client({ connectionString: server.databaseUrl });
  await sql.connect();
});
afterAll(async () => {
  await sql.end();
  await server.close();
});

interface Tree extends Grown {
  ann: TestClient;
  root: string;
  pair: string;
}

async function aTree(size: number, shape: Shape): Promise<Tree> {
  const ann = await TestClient.register(server.url);
  const root = await ann.aChat(1);
  return {
    ann,
    root: root.id,
    pair: root.pairs[0]!,
    ...(await grow(sql, ann.accountId, root, size, shape)),
  };
}

/** All pages of a tree, by the cursors. */
async function* pagesOf({ ann, root }: Tree, query: string): AsyncGenerator<any> {
  for (let cursor: string | undefined = ''; cursor !== undefined;) {
    const { body, headers, status }: Answer = await ann.get(
      `/chats/${root}/branches?${query}${cursor && `&cursor=${cursor}`}`,
    );
    expect(status).toBe(200);
    expect(headers.get('link')?.includes(encodeURIComponent(body.next_cursor)) ?? false).toBe(
      body.next_cursor !== undefined,
    );
    yield body;
    cursor = body.next_cursor;
  }
}

/** The chats of a page with their levels, and with the chat that each is shown under. */
function seatsOf(
  top: Node,
): Map<string, { parent: string | null; under: string | null; level: number }> {
  const seats = new Map<string, { parent: string | null; under: string | null; level: number }>();
  const visit = (node: Node, under: string | null, level: number): void => {
    seats.set(node.chat_id, { parent: node.parent_chat_id, under, level });
    for (const child of node.children) visit(child, node.chat_id, level + 1);
  };
  visit(top, null, 1);
  return seats;
}

describe('a tree of any shape (S5)', () => {
  it('is read in pages, nested or flat, that show each living chat and tell its nearest living ancestor, none too deep', async () => {
    const shape = fc.record({
      size: fc.integer({ min: 0, max: 120 }),
      reach: fc.integer({ min: 1, max: 40 }),
      limit: fc.integer({ min: 1, max: 100 }),
      deletions: fc.array(fc.nat(), { maxLength: 60 }),
    });
    await fc.assert(
      fc.asyncProperty(shape, async ({ size, reach, limit, deletions }) => {
        const tree = await aTree(size, (n) => Math.max(0, n - 1 - ((n * 7919) % reach)));
        const deleted = new Set(
          deletions
            .filter((n) => size > 0 && n % (size + 1) > 0)
            .map((n) => tree.ids[n % (size + 1)]!),
        );
        await sql.query(
          'UPDATE chats SET deleted_at = now() WHERE account_id = $1 AND chat_id = ANY ($2)',
          [tree.ann.accountId, [...deleted]],
        );
        const { rows } = await sql.query(
          'SELECT chat_id, parent_chat_id FROM chats WHERE account_id = $1',
          [tree.ann.accountId],
        );
        const above = new Map<string, string | null>(
          rows.map((row) => [row.chat_id, row.parent_chat_id]),
        );
        const living = (id: string | null): string | null =>
          id !== null && deleted.has(id) ? living(above.get(id)!) : id;
        const expected = new Map(
          tree.ids.filter((id) => !deleted.has(id)).map((id) => [id, living(above.get(id)!)]),
        );

        const nested = new Map<string, string | null>();
        for await (const page of pagesOf(tree, `limit=${limit}`)) {
          expect(page).toMatchObject({
            root_chat_id: tree.root,
            total: expected.size,
            tree: { chat_id: tree.root },
          });
          const seats = seatsOf(page.tree);
          expect([...seats.values()].filter(({ level }) => level > NESTING_MAX)).toEqual([]);
          // Where the parent is on the page, the chat hangs under it; only what is above a deep
          // page hangs at the root.
          expect(
            [...seats.values()].filter(
              ({ parent, under }) => under !== parent && under !== tree.root,
            ),
          ).toEqual([]);
          for (const [id, { parent }] of seats) nested.set(id, parent);
        }
        expect(nested).toEqual(expected);

        const flat: [string, string | null][] = [];
        for await (const page of pagesOf(tree, `limit=${limit}&format=flat`)) {
          expect([page.tree, page.total, page.items.length <= limit]).toEqual([
            undefined,
            expected.size,
            true,
          ]);
          flat.push(...page.items.map((item: Node) => [item.chat_id, item.parent_chat_id]));
        }
        expect(flat.length).toBe(expected.size);
        expect(new Map(flat)).toEqual(expected);
      }),
      { numRuns: 12 },
    );
  });

  it('of a thousand chats comes whole, with nothing said', async () => {
    const { ann, root, ids } = await aTree(NODES_MAX - 1, spread);
    const { body } = await ann.get(`/chats/${root}/branches`);
    expect([body.total, body.next_cursor, [...seatsOf(body.tree).keys()].sort()]).toEqual([
      NODES_MAX,
      undefined,
      [...ids].sort(),
    ]);
    const byVerb = await ann.get(`/branches/get-branches?chat_id=${ids[77]}&format=flat`);
    expect(byVerb.body.items.map((item: Node) => item.chat_id).sort()).toEqual([...ids].sort());
  });

  it('of a thousand levels is told in pages that any parser of JSON bears', async () => {
    const tree = await aTree(1000, chain);
    const seen = new Set<string>();
    for await (const page of pagesOf(tree, '')) {
      const seats = seatsOf(page.tree);
      expect(Math.max(...[...seats.values()].map(({ level }) => level))).toBeLessThanOrEqual(
        NESTING_MAX,
      );
      for (const id of seats.keys()) seen.add(id);
    }
    expect([...seen].sort()).toEqual([...tree.ids].sort());
    const { body } = await tree.ann.get(`/chats/${tree.ids[1000]}/branches?format=flat&depth=3`);
    expect(body.items.map((item: any) => item.parent_chat_id)).toEqual([
      null,
      ...tree.ids.slice(0, 3),
    ]);
  });

  it('neither repeats nor skips while others branch and delete', async () => {
    const tree = await aTree(300, spread);
    const { ann, root, pair } = tree;
    const seen: string[] = [];
    const gone = new Set<string>();
    for await (const page of pagesOf(tree, 'limit=20&format=flat')) {
      seen.push(...page.items.map((item: Node) => item.chat_id));
      await ann.aBranch(root, pair);
      const [here, far] = [page.items.at(-1).chat_id, tree.ids.at(-1 - gone.size)!];
      for (const id of [here, far])
        if (id !== root && (await ann.delete(`/chats/${id}`)).status === 204) gone.add(id);
    }
    expect(new Set(seen).size).toBe(seen.length);
    expect(tree.ids.filter((id) => !seen.includes(id) && !gone.has(id))).toEqual([]);
  });

  it('knows how many chats it has through forks, edits, deletions and their undoing', async () => {
    const ann = await TestClient.register(server.url);
    const root = await ann.aChat(2);
    const total = async (): Promise<number> =>
      (await ann.get(`/chats/${root.id}/branches`)).body.total;
    const kept = async (): Promise<unknown> =>
      (
        await sql.query(
          'SELECT chats_total, chats_revision = revision AS fresh FROM conversations WHERE chat_id = $1',
          [root.id],
        )
      ).rows[0];
    expect([await total(), await kept()]).toEqual([1, { chats_total: 1, fresh: true }]);
    const left = await ann.aBranch(root.id, root.pairs[0]!);
    const leaf = await ann.aBranch(left, await ann.append(left, 'x'), { activate: true });
    await ann.post(`/chats/${root.id}/messages/${root.pairs[1]}/edit`, {
      question: 'y',
      response: 'z',
    });
    await ann.patch(`/chats/${leaf}`, { name: 'renamed' });
    expect([await total(), await kept()]).toEqual([4, { chats_total: 4, fresh: true }]);
    await ann.delete(`/chats/${left}?children=cascade`);
    expect([await total(), await kept()]).toEqual([2, { chats_total: 2, fresh: true }]);
    await ann.post(`/chats/${left}/restore`);
    await ann.delete(`/chats/${leaf}`);
    expect([await total(), await kept()]).toEqual([3, { chats_total: 3, fresh: true }]);
    await sql.query(
      'UPDATE conversations SET revision = revision + 1, event_seq = event_seq + 1 WHERE chat_id = $1',
      [root.id],
    );
    expect([await total(), await kept()]).toEqual([3, { chats_total: 3, fresh: true }]);
  });
});

describe('a conversation of 100,000 branches', () => {
  it('is deleted and comes back, and its branches are read, compared and appended to meanwhile', async () => {
    const { ann, root, pair, ids } = await aTree(100_000, onePair);
    const total = async (): Promise<number> =>
      (await ann.get(`/chats/${root}/branches?limit=1`)).body.total;
    expect((await ann.get(`/chats/${root}/messages`)).body.qa_pairs[0].branches_total).toBe(
      100_000,
    );
    expect(
      (await ann.get(`/chats/${ids[5]}/compare?with=${ids[99_999]}`)).body.common.response_id,
    ).toBe(pair);
    await ann.append(ids[77]!, 'x');
    expect((await ann.delete(`/chats/${root}?children=cascade`)).status).toBe(204);
    expect((await ann.get(`/chats/${ids[50_000]}`)).status).toBe(404);
    expect((await ann.post(`/chats/${root}/restore`)).status).toBe(200);
    expect([(await ann.get(`/chats/${ids[50_000]}`)).status, await total()]).toEqual([
      200, 100_001,
    ]);
  });

  it('loses a branch with all that hang below it', async () => {
    const { ann, root, ids } = await aTree(20_000, (n) => (n === 1 ? 0 : 1));
    expect((await ann.delete(`/chats/${ids[1]}?children=cascade`)).status).toBe(204);
    expect((await ann.get(`/chats/${root}/branches`)).body.total).toBe(1);
    const { rows } = await sql.query(
      'SELECT count(*)::int AS n, max(seq) AS last FROM events WHERE root_chat_id = $1',
      [root],
    );
    expect(rows[0].n).toBe(rows[0].last);
    expect((await ann.post(`/chats/${ids[1]}/restore`)).status).toBe(200);
    expect((await ann.get(`/chats/${root}/branches?limit=1`)).body.total).toBe(20_001);
  });
});

interface Plan {
  'Shared Hit Blocks': number;
  'Shared Read Blocks': number;
  'Rows Removed by Filter'?: number;
  'Rows Removed by Join Filter'?: number;
  Plans?: Plan[];
}

const removedBy = (plan: Plan): number =>
  (plan['Rows Removed by Filter'] ?? 0) +
  (plan['Rows Removed by Join Filter'] ?? 0) +
  (plan.Plans ?? []).reduce((sum, one) => sum + removedBy(one), 0);

describe('the cost of a page', () => {
  /** A page's statement as the pool runs it: prepared once, with a generic plan. */
  async function costOf(
    { ann, root }: Tree,
    after: [number, string],
    nested: boolean,
  ): Promise<{ blocks: number; removed: number }> {
    const values = [ann.accountId, root, root, ...after, 2_147_483_647, 101, nested].map((value) =>
      typeof value === 'string' ? `'${value}'` : value,
    );
    const { rows } = await sql.query(
      `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE tree_page (${values.join(', ')})`,
    );
    const plan: Plan = rows[0]['QUERY PLAN'][0].Plan;
    return {
      blocks: plan['Shared Hit Blocks'] + plan['Shared Read Blocks'],
      removed: removedBy(plan),
    };
  }

  it.each([
    ['100,000 branches of one pair', 100_000, onePair],
    ['100,000 branches, eight at each chat', 100_000, spread],
    ['1,000 levels', 1000, chain],
    ['1,000 branches of one pair that are left of 50,000', 50_000, onePair, 'n % 50 <> 0'],
  ])('is bounded by the page: %s', async (_what, size, shape, deleted = 'false') => {
    const tree = await aTree(size, shape);
    await sql.query(
      `
      UPDATE chats SET deleted_at = now() FROM unnest($2::uuid[]) WITH ORDINALITY AS made (id, n)
      WHERE account_id = $1 AND chat_id = id AND ${deleted}`,
      [tree.ann.accountId, tree.ids.slice(1)],
    );
    // What an update leaves behind is not what this is about.
    await sql.query('VACUUM chats');
    await sql.query('DEALLOCATE ALL');
    await sql.query('SET plan_cache_mode = force_generic_plan');
    await sql.query(
      `PREPARE tree_page (uuid, uuid, uuid, int, uuid, int, int, boolean) AS ${TREE_PAGE.text}`,
    );
    for (const analyzed of [false, true]) {
      if (analyzed) await sql.query('ANALYZE chats, conversations');
      for (const at of [0, 0.5, 0.99]) {
        const n = Math.floor(size * at);
        for (const nested of [true, false]) {
          const cost = await costOf(tree, [tree.depths[n]!, tree.ids[n]!], nested);
          // Of each chat its row, and a look-up of the one above by its key: four blocks. Ancestors
          // are shared.
          expect(cost.blocks).toBeLessThan(101 * 4 * 1.5);
          expect(cost.removed).toBeLessThan(200);
        }
      }
    }
    const { body } = await tree.ann.get(`/chats/${tree.root}/branches`);
    const living = await sql.query(
      'SELECT count(*)::int AS n FROM chats WHERE account_id = $1 AND deleted_at IS NULL',
      [tree.ann.accountId],
    );
    expect([body.total, seatsOf(body.tree).size <= NODES_MAX]).toEqual([living.rows[0].n, true]);
  });
});
