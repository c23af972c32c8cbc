import { MODES } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { type SharedServer, sharedServer } from '../support/shared-server.js';

describe.each(MODES)('chats that branch, and what is in them, words in %s', (mode) => {
  let server: SharedServer;
  let ann: TestClient;

  beforeAll(async () => {
    server = await sharedServer(mode);
    ann = await TestClient.register(server.url);
  });
  afterAll(() => server.close());

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
