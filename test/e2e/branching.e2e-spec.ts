import { MODES, startTestApp, type TestApp } from '../support/app.js';
import { TestClient } from '../support/client.js';

describe.each(MODES)('chats that branch, words in %s', (mode) => {
  let server: TestApp;
  let ann: TestClient;

  beforeAll(async () => {
    server = await startTestApp(mode);
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

  describe('two chats of a conversation', () => {
    it('are compared from their last common pair on', async () => {
      const root = await ann.aChat(3);
      const branch = await ann.aBranch(root.id, root.pairs[1]!);
      await ann.append(branch, 'other');
      const { body } = await ann.get(`/chats/${root.id}/compare?with=${branch}`);
      expect(body.common).toEqual({ chat_id: root.id, response_id: root.pairs[1], seq: 2 });
      expect(body.left.qa_pairs.map((pair: any) => pair.question)).toEqual(['q3']);
      expect(body.right).toMatchObject({ chat_id: branch, qa_pairs: [{ question: 'other' }] });
      expect(Object.keys(body)).toEqual(['common', 'left', 'right']);
    });

    it('that share nothing have no common pair', async () => {
      const root = await ann.aChat(1);
      const branch = await ann.aBranch(root.id, null);
      expect((await ann.get(`/chats/${branch}/compare?with=${root.id}`)).body).toMatchObject({
        common: null,
        left: { qa_pairs: [] },
      });
    });

    it('of two conversations are not compared', async () => {
      const [one, other] = [await ann.aChat(), await ann.aChat()];
      expect((await ann.get(`/chats/${one.id}/compare?with=${other.id}`)).status).toBe(404);
    });
  });

  describe('one pair', () => {
    it('has its siblings: all continuations of its place, in the order of their making', async () => {
      const root = await ann.aChat(3);
      const branch = await ann.aBranch(root.id, root.pairs[1]!, { activate: true });
      const other = await ann.append(branch, 'other third');
      const empty = await ann.aBranch(root.id, root.pairs[1]!);
      const { body } = await ann.get(`/chats/${root.id}/messages/${root.pairs[2]}`);
      expect(body.siblings).toEqual([
        { chat_id: root.id, response_id: root.pairs[2], seq: 3, active: false },
        { chat_id: branch, response_id: other, seq: 3, active: true },
      ]);
      expect((await ann.get(`/chats/${branch}/messages/${other}`)).body.siblings).toEqual(
        body.siblings,
      );
      const first = await ann.get(`/chats/${empty}/messages/${root.pairs[0]}`);
      expect(first.body.siblings).toEqual([
        { chat_id: root.id, response_id: root.pairs[0], seq: 1, active: true },
      ]);
    });

    it('has its place among them on each page, with `siblings=true`', async () => {
      const root = await ann.aChat(3);
      const branch = await ann.aBranch(root.id, root.pairs[1]!);
      const other = await ann.append(branch, 'other third');
      const before = await ann.aBranch(root.id, null);
      const first = await ann.append(before, 'other first');
      const gone = await ann.aBranch(root.id, root.pairs[1]!);
      await ann.append(gone, 'gone');
      const page = async (chatId: string) => {
        const { body, headers } = await ann.get(`/chats/${chatId}/messages?siblings=true`);
        return { etag: headers.get('etag'), at: body.qa_pairs.map((pair: any) => pair.siblings) };
      };
      const alone = { index: 1, total: 1, previous_response_id: null, next_response_id: null };
      const { etag } = await page(root.id);
      await ann.delete(`/chats/${gone}`);

      const places = {
        root: [
          { ...alone, total: 2, next_response_id: first },
          alone,
          { ...alone, total: 2, next_response_id: other },
        ],
        branch: { ...alone, index: 2, total: 2, previous_response_id: root.pairs[2] },
      };
      expect((await page(root.id)).at).toEqual(places.root);
      expect((await page(root.id)).etag).not.toBe(etag);
      expect((await page(branch)).at).toEqual([...places.root.slice(0, 2), places.branch]);
      expect((await page(before)).at).toEqual([
        { ...alone, index: 2, total: 2, previous_response_id: root.pairs[0] },
      ]);
      expect((await ann.get(`/chats/${root.id}/messages`)).body.qa_pairs[0]).not.toHaveProperty(
        'siblings',
      );
    });

    it('is not found through a chat that cannot see it', async () => {
      const root = await ann.aChat(2);
      const branch = await ann.aBranch(root.id, root.pairs[0]!);
      expect(await ann.get(`/chats/${branch}/messages/${root.pairs[1]}`)).toMatchObject({
        status: 404,
        body: { code: 'message_not_found' },
      });
      expect((await ann.get(`/chats/${branch}/messages?around=${root.pairs[1]}`)).status).toBe(404);
    });

    it('is in the middle of the page around it', async () => {
      const chat = await ann.aChat(9);
      const { body } = await ann.get(`/chats/${chat.id}/messages?around=${chat.pairs[4]}&limit=5`);
      expect(body.qa_pairs.map((pair: any) => pair.seq)).toEqual([3, 4, 5, 6, 7]);
      const start = await ann.get(`/chats/${chat.id}/messages?around=${chat.pairs[0]}&limit=3`);
      expect(start.body.qa_pairs.map((pair: any) => pair.seq)).toEqual([1, 2, 3]);
    });
  });

  describe('deletion', () => {
    const aTree = async () => {
      const root = await ann.aChat(2);
      const middle = await ann.aBranch(root.id, root.pairs[1]!, { name: 'middle' });
      const leaf = await ann.aBranch(middle, await ann.append(middle, 'm3'), { name: 'leaf' });
      await ann.append(leaf, 'l4');
      return { root, middle, leaf };
    };

    it('of a branch keeps its children, which still read what they inherit and hang under the nearest living ancestor', async () => {
      const { root, middle, leaf } = await aTree();
      expect((await ann.delete(`/chats/${middle}`)).status).toBe(204);
      expect((await ann.get(`/chats/${middle}`)).status).toBe(404);
      expect(await ann.questionsOf(leaf)).toEqual(['q1', 'q2', 'm3', 'l4']);
      const { body } = await ann.get(`/chats/${root.id}/branches`);
      expect(body).toMatchObject({
        total: 2,
        tree: { children: [{ chat_id: leaf, parent_chat_id: root.id }] },
      });
      expect((await ann.post(`/chats/${middle}/restore`)).body).toMatchObject({
        chat_id: middle,
        message_count: 3,
      });
      expect((await ann.get(`/chats/${root.id}/branches`)).body.tree.children).toMatchObject([
        { chat_id: middle, children: [{ chat_id: leaf }] },
      ]);
    });

    it('with children=cascade takes them along, and undoing brings them back together', async () => {
      const { root, middle, leaf } = await aTree();
      await ann.delete(`/chats/${leaf}`);
      const kept = await ann.aBranch(middle, null);
      const nested = await ann.aBranch(
        middle,
        (await ann.get(`/chats/${middle}/messages`)).body.qa_pairs[2].response_id,
      );
      expect((await ann.delete(`/chats/${middle}?children=cascade`)).status).toBe(204);
      expect(
        (await ann.get(`/chats/${root.id}/branches`)).body.tree.children.map(
          (child: any) => child.chat_id,
        ),
      ).toEqual([kept]);
      expect((await ann.post(`/chats/${middle}/restore`)).status).toBe(200);
      expect((await ann.get(`/chats/${nested}`)).status).toBe(200);
      expect((await ann.get(`/chats/${leaf}`)).status).toBe(404);
    });

    it('with children=refuse answers 409 when there are any, and changes nothing', async () => {
      const { middle, leaf } = await aTree();
      expect(await ann.delete(`/chats/${middle}?children=refuse`)).toMatchObject({
        status: 409,
        body: { code: 'branch_has_children' },
      });
      expect((await ann.get(`/chats/${middle}`)).status).toBe(200);
      expect((await ann.delete(`/chats/${leaf}?children=refuse`)).status).toBe(204);
    });

    it('of a root deletes the conversation, and undoing brings it back with its active branch', async () => {
      const { root, middle, leaf } = await aTree();
      await ann.put(`/chats/${root.id}/active-branch`, { branch_chat_id: leaf });
      expect((await ann.delete(`/chats/${root.id}`)).status).toBe(204);
      for (const id of [root.id, middle, leaf])
        expect((await ann.get(`/chats/${id}`)).status).toBe(404);
      expect((await ann.get('/chats')).body.items.map((chat: any) => chat.chat_id)).not.toContain(
        root.id,
      );
      expect((await ann.post(`/chats/${leaf}/restore`)).body.code).toBe('conversation_deleted');
      expect((await ann.delete(`/chats/${root.id}`)).status).toBe(404);
      expect((await ann.post(`/chats/${root.id}/restore`)).status).toBe(200);
      expect((await ann.get(`/chats/${middle}/branches`)).body).toMatchObject({
        active_chat_id: leaf,
        total: 3,
      });
    });

    it('of the active branch makes its nearest living ancestor active', async () => {
      const { root, middle, leaf } = await aTree();
      await ann.put(`/chats/${root.id}/active-branch`, { branch_chat_id: leaf });
      await ann.delete(`/chats/${middle}`);
      await ann.delete(`/chats/${leaf}`);
      expect((await ann.get(`/chats/${root.id}/branches`)).body.active_chat_id).toBe(root.id);
    });

    it('leaves no branch behind in the list at its pair', async () => {
      const { root, middle } = await aTree();
      await ann.delete(`/chats/${middle}`);
      expect((await ann.get(`/chats/${root.id}/messages`)).body.qa_pairs[1]).toMatchObject({
        branches: [],
        branches_total: 0,
      });
    });

    it('honours If-Match', async () => {
      const { id } = await ann.aChat();
      expect((await ann.delete(`/chats/${id}`, { 'if-match': '"0"' })).status).toBe(412);
      expect((await ann.delete(`/chats/${id}`, { 'if-match': '*' })).status).toBe(204);
    });
  });

  describe('the verb routes of the seed', () => {
    it('do the same through other doors', async () => {
      const { body: chat, status } = await ann.post('/chats/create-chat', { name: 'verbs' });
      expect(status).toBe(201);
      const add = (body: object) =>
        ann.post('/messages/add-message', { chat_id: chat.chat_id, ...body });
      const first = await add({ question: 'one', response: '1' });
      expect(first).toMatchObject({
        status: 201,
        body: { seq: 1, question: 'one', response: '1', chat_id: chat.chat_id },
      });
      await add({ question: 'two', response: '2' });
      const branch = await ann.post('/branches/create-branch', {
        chat_id: chat.chat_id,
        response_id: first.body.response_id,
      });
      expect(branch).toMatchObject({
        status: 201,
        body: { fork_seq: 1, root_chat_id: chat.chat_id },
      });
      const active = await ann.put('/branches/set-active-branch', {
        chat_id: chat.chat_id,
        branch_chat_id: branch.body.chat_id,
      });
      expect(active).toMatchObject({
        status: 200,
        body: { root_chat_id: chat.chat_id, active_chat_id: branch.body.chat_id },
      });
      const tree = await ann.get(`/branches/get-branches?chat_id=${branch.body.chat_id}`);
      expect(tree).toMatchObject({
        status: 200,
        body: { total: 2, active_chat_id: branch.body.chat_id },
      });
      const updated = await ann.put('/chats/update-chat', {
        chat_id: chat.chat_id,
        name: 'renamed',
        pinned: true,
      });
      expect(updated).toMatchObject({ status: 200, body: { name: 'renamed', pinned: true } });
      const read = await ann.get(`/chats/get-chat?chat_id=${chat.chat_id}`);
      expect(read.body).toMatchObject({
        name: 'renamed',
        content: { chat_id: chat.chat_id, qa_pairs: [{ question: 'one' }, { question: 'two' }] },
      });
      expect(
        (await ann.delete(`/chats/delete-chat?chat_id=${branch.body.chat_id}&children=keep`))
          .status,
      ).toBe(204);
      expect((await ann.get(`/branches/get-branches?chat_id=${chat.chat_id}`)).body).toMatchObject({
        total: 1,
        active_chat_id: chat.chat_id,
      });
    });
  });
});
