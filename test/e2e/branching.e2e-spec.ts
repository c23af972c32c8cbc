import { MODES } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { type SharedServer, sharedServer } from '../support/shared-server.js';

describe.each(MODES)('chats that branch, words in %s', (mode) => {
  let server: SharedServer;
  let ann: TestClient;

  beforeAll(async () => {
    server = await sharedServer(mode);
    ann = await TestClient.register(server.url);
  });
  afterAll(() => server.close());

  describe('a chat', () => {
    it('is created with exactly the fields of the contract', async () => {
      const { status, body } = await ann.post('/chats', {
        name: 'Norway',
        system_prompt: 'Be brief.',
      });
      expect(status).toBe(201);
      expect(body).toEqual({
        chat_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        root_chat_id: body.chat_id,
        parent_chat_id: null,
        fork_response_id: null,
        fork_seq: 0,
        depth: 0,
        account_id: ann.accountId,
        chat_type: 'standard',
        name: 'Norway',
        active: true,
        message_count: 0,
        pinned: false,
        archived: false,
        model: null,
        system_prompt: 'Be brief.',
        metadata: null,
        started_by: null,
        revision: expect.any(Number),
        created_at: expect.stringMatching(/^\d{4}-.*Z$/),
        updated_at: expect.stringMatching(/^\d{4}-.*Z$/),
        active_chat_id: body.chat_id,
      });
    });

    it('that is a root says which branch is active, and in the list how long that is', async () => {
      const root = await ann.aChat(2);
      const branch = await ann.aBranch(root.id, root.pairs[0]!, { activate: true });
      for (const word of ['a', 'b']) await ann.append(branch, word);
      const before = (await ann.get(`/chats/${root.id}`)).headers.get('etag');
      const listed = async () =>
        (await ann.get('/chats?limit=1')).body.items.map((one: any) => [
          one.chat_id,
          one.active_chat_id,
          one.message_count,
          one.active_message_count,
        ]);

      expect((await ann.get(`/chats/${root.id}`)).body.active_chat_id).toBe(branch);
      expect((await ann.get(`/chats/${branch}`)).body).not.toHaveProperty('active_chat_id');
      expect(await listed()).toEqual([[root.id, branch, 2, 3]]);
      await ann.put(`/chats/${branch}/active-branch`, { branch_chat_id: root.id });
      expect(await listed()).toEqual([[root.id, root.id, 2, 2]]);
      expect((await ann.get(`/chats/${root.id}`)).headers.get('etag')).not.toBe(before);
    });

    it('needs no body', async () => {
      expect((await ann.post('/chats')).status).toBe(201);
    });

    it('is read with the newest page of its path and the revision as its ETag', async () => {
      const chat = await ann.aChat(3);
      const { body, headers } = await ann.get(`/chats/${chat.id}`);
      expect(body.message_count).toBe(3);
      expect(body.content).toEqual({ chat_id: chat.id, qa_pairs: expect.any(Array) });
      expect(
        body.content.qa_pairs.map((pair: any) => [pair.seq, pair.question, pair.response]),
      ).toEqual([
        [1, 'q1', 'a1'],
        [2, 'q2', 'a2'],
        [3, 'q3', 'a3'],
      ]);
      expect(headers.get('etag')).toBe(`"${body.revision}"`);
    });

    it('says in `content` that older pairs exist', async () => {
      const chat = await ann.aChat(52);
      const { body } = await ann.get(`/chats/${chat.id}`);
      expect(body.content.qa_pairs.map((pair: any) => pair.seq)).toEqual(
        Array.from({ length: 50 }, (_, i) => i + 3),
      );
      const older = await ann.get(`/chats/${chat.id}/messages?before=${body.content.prev_cursor}`);
      expect(older.body.qa_pairs.map((pair: any) => pair.seq)).toEqual([1, 2]);
    });

    it('is listed newest first, by filter, in pages that neither repeat nor skip while others write', async () => {
      const eve = await TestClient.register(server.url);
      const ids: string[] = [];
      for (let n = 0; n < 5; n++) ids.unshift((await eve.aChat(0, { name: `Chat ${n} 100%` })).id);
      const first = await eve.get('/chats?limit=2');
      expect(first.body.items.map((chat: any) => chat.chat_id)).toEqual(ids.slice(0, 2));
      expect(first.headers.get('link')).toContain(`cursor=${first.body.next_cursor}`);
      await eve.aChat();
      await eve.append(ids[3]!, 'moves no chat in the list');
      const second = await eve.get(`/chats?limit=2&cursor=${first.body.next_cursor}`);
      const third = await eve.get(`/chats?limit=2&cursor=${second.body.next_cursor}`);
      expect([...second.body.items, ...third.body.items].map((chat: any) => chat.chat_id)).toEqual(
        ids.slice(2),
      );
      expect(third.body.next_cursor).toBeNull();
      await eve.patch(`/chats/${ids[1]}`, { pinned: true, archived: true });
      expect(
        (await eve.get('/chats?pinned=true&archived=true')).body.items.map(
          (chat: any) => chat.chat_id,
        ),
      ).toEqual([ids[1]]);
      expect(
        (await eve.get('/chats?q=chat%202%20100%25')).body.items.map((chat: any) => chat.chat_id),
      ).toEqual([ids[2]]);
      expect((await eve.get('/chats?q=_')).body.items).toEqual([]);
    });

    it('is changed field by field, and only by who read the newest revision where If-Match says so', async () => {
      const { id } = await ann.aChat();
      const { body: before, headers } = await ann.get(`/chats/${id}`);
      const renamed = await ann.patch(
        `/chats/${id}`,
        { name: 'new' },
        { 'if-match': headers.get('etag')! },
      );
      expect(renamed).toMatchObject({ status: 200, body: { name: 'new', chat_id: id } });
      expect(renamed.body.revision).toBeGreaterThan(before.revision);
      expect(renamed.headers.get('etag')).toBe(`"${renamed.body.revision}"`);
      const stale = await ann.patch(
        `/chats/${id}`,
        { name: 'lost' },
        { 'if-match': headers.get('etag')! },
      );
      expect(stale).toMatchObject({
        status: 412,
        body: { code: 'revision_stale', revision: renamed.body.revision },
      });
      expect(
        (await ann.patch(`/chats/${id}`, { archived: true }, { 'if-match': '*' })).body,
      ).toMatchObject({
        name: 'new',
        archived: true,
      });
      expect((await ann.patch(`/chats/${id}`, { name: null })).body.name).toBeNull();
      const unchanged = await ann.patch(`/chats/${id}`, {});
      expect(unchanged.status).toBe(200);
    });
  });

  describe('a branch', () => {
    it('sees the fork point and all before it, and no later pair of its parent', async () => {
      const root = await ann.aChat(3);
      const { status, body: branch } = await ann.post(`/chats/${root.id}/branches`, {
        response_id: root.pairs[1],
        name: 'winter',
      });
      expect(status).toBe(201);
      expect(branch).toMatchObject({
        root_chat_id: root.id,
        parent_chat_id: root.id,
        fork_response_id: root.pairs[1],
        fork_seq: 2,
        depth: 1,
        name: 'winter',
        active: false,
        message_count: 2,
      });
      await ann.append(root.id, 'later');
      await ann.append(branch.chat_id, 'elsewhere');
      expect(await ann.questionsOf(branch.chat_id)).toEqual(['q1', 'q2', 'elsewhere']);
      expect(await ann.questionsOf(root.id)).toEqual(['q1', 'q2', 'q3', 'later']);
    });

    it('at an inherited pair hangs under the chat that owns the pair', async () => {
      const root = await ann.aChat(4);
      const branch = await ann.aBranch(root.id, root.pairs[2]!);
      await ann.append(branch, 'own');
      const { body } = await ann.post(`/chats/${branch}/branches`, { response_id: root.pairs[0] });
      expect(body).toMatchObject({ parent_chat_id: root.id, depth: 1, fork_seq: 1 });
      expect(await ann.questionsOf(body.chat_id)).toEqual(['q1']);
    });

    it('before the first pair starts empty', async () => {
      const root = await ann.aChat(2);
      const branch = await ann.aBranch(root.id, null);
      await ann.append(branch, 'another beginning');
      expect(await ann.questionsOf(branch)).toEqual(['another beginning']);
      const { body } = await ann.get(`/chats/${branch}`);
      expect(body).toMatchObject({
        fork_seq: 0,
        fork_response_id: null,
        parent_chat_id: root.id,
        depth: 1,
      });
    });

    it('is shown at its pair, and gives every chat that shows the pair a new revision', async () => {
      const root = await ann.aChat(3);
      const sibling = await ann.aBranch(root.id, root.pairs[2]!);
      const before = (await ann.get(`/chats/${sibling}`)).body;
      const branch = await ann.aBranch(root.id, root.pairs[0]!);
      const { body } = await ann.get(`/chats/${sibling}`);
      expect(body.revision).toBeGreaterThan(before.revision);
      expect(body.content.qa_pairs[0]).toMatchObject({ branches: [branch], branches_total: 1 });
      expect(body.content.qa_pairs[1]).toMatchObject({ branches: [], branches_total: 0 });
    });

    it('of a branch of a branch, many levels down, reads its whole path in every page', async () => {
      const root = await ann.aChat(1);
      let tip = root.id;
      const expected = ['q1'];
      for (let level = 1; level <= 30; level++) {
        const { body } = await ann.get(`/chats/${tip}/messages?limit=1`);
        tip = await ann.aBranch(tip, body.qa_pairs[0].response_id);
        await ann.append(tip, `level ${level}`);
        expected.push(`level ${level}`);
      }
      expect(await ann.questionsOf(tip)).toEqual(expected);
      const seen: string[] = [];
      for (let cursor: string | null = ''; cursor !== null;) {
        const { body }: { body: any } = await ann.get(
          `/chats/${tip}/messages?limit=7${cursor && `&before=${cursor}`}`,
        );
        seen.unshift(...body.qa_pairs.map((pair: any) => pair.question));
        cursor = body.prev_cursor;
      }
      expect(seen).toEqual(expected);
      const { body: tree } = await ann.get(`/chats/${root.id}/branches?depth=3`);
      expect(tree.total).toBe(31);
      expect(tree.tree.children[0].children[0].children[0].children).toEqual([]);
    });
  });

  describe('the tree', () => {
    it('shows the whole conversation from any of its chats', async () => {
      const root = await ann.aChat(2, { name: 'root' });
      const left = await ann.aBranch(root.id, root.pairs[0]!, { name: 'left' });
      const right = await ann.aBranch(root.id, root.pairs[1]!, { name: 'right', activate: true });
      const leaf = await ann.aBranch(left, await ann.append(left, 'x'), { name: 'leaf' });
      const { body } = await ann.get(`/chats/${leaf}/branches`);
      expect(body).toEqual({
        root_chat_id: root.id,
        active_chat_id: right,
        total: 4,
        tree: expect.any(Object),
      });
      const node = (
        chat: string,
        name: string,
        parent: string | null,
        children: unknown[],
        extra: object = {},
      ) =>
        expect.objectContaining({
          chat_id: chat,
          name,
          parent_chat_id: parent,
          children,
          created_at: expect.any(String),
          ...extra,
        });
      expect(body.tree).toEqual(
        node(root.id, 'root', null, [
          node(
            left,
            'left',
            root.id,
            [node(leaf, 'leaf', left, [], { fork_seq: 2, message_count: 2 })],
            {
              message_count: 2,
              active: false,
            },
          ),
          node(right, 'right', root.id, [], { active: true, fork_response_id: root.pairs[1] }),
        ]),
      );
      expect(Object.keys(body.tree).sort()).toEqual(
        [
          'active',
          'chat_id',
          'children',
          'created_at',
          'fork_response_id',
          'fork_seq',
          'message_count',
          'name',
          'parent_chat_id',
        ].sort(),
      );
    });

    it('is read in pages, each a tree of its own', async () => {
      const root = await ann.aChat(1);
      for (let n = 0; n < 5; n++) await ann.aBranch(root.id, root.pairs[0]!, { name: `b${n}` });
      const names: string[] = [];
      for (let cursor: string | undefined = ''; cursor !== undefined;) {
        const { body }: { body: any } = await ann.get(
          `/chats/${root.id}/branches?limit=2${cursor && `&cursor=${cursor}`}`,
        );
        expect(body).toMatchObject({ total: 6, tree: { chat_id: root.id } });
        names.push(...body.tree.children.map((child: any) => child.name));
        cursor = body.next_cursor;
      }
      expect(names).toEqual(['b0', 'b1', 'b2', 'b3', 'b4']);
    });

    it('has exactly one active chat: switching one on switches the other off', async () => {
      const root = await ann.aChat(1);
      const branch = await ann.aBranch(root.id, root.pairs[0]!);
      const { status, body } = await ann.put(`/chats/${root.id}/active-branch`, {
        branch_chat_id: branch,
      });
      expect([status, body]).toEqual([200, { root_chat_id: root.id, active_chat_id: branch }]);
      const stale = await ann.put(
        `/chats/${root.id}/active-branch`,
        { branch_chat_id: root.id },
        { 'if-match': '"1"' },
      );
      expect(stale).toMatchObject({ status: 412, body: { code: 'revision_stale' } });
      expect((await ann.get(`/chats/${root.id}`)).body.active).toBe(false);
      expect((await ann.patch(`/chats/${root.id}`, { active: true })).body.active).toBe(true);
      expect((await ann.get(`/chats/${branch}/branches`)).body.active_chat_id).toBe(root.id);
    });

    it('takes posts to its active branch, and the answer names it', async () => {
      const root = await ann.aChat(1);
      const branch = await ann.aBranch(root.id, root.pairs[0]!, { activate: true });
      const { body } = await ann.post(`/chats/${root.id}/messages?branch=active`, {
        question: 'here?',
        response: 'yes',
      });
      expect(body).toMatchObject({ chat_id: branch, seq: 2 });
      expect(
        (await ann.post(`/chats/${root.id}/messages`, { question: 'there?', response: 'yes' })).body
          .chat_id,
      ).toBe(root.id);
    });
  });
});
