import { MODES } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { type SharedServer, sharedServer } from '../support/shared-server.js';

describe.each(MODES)('another account, words in %s', (mode) => {
  let server: SharedServer;
  let ann: TestClient;
  let bob: TestClient;

  beforeAll(async () => {
    server = await sharedServer(mode);
    [ann, bob] = [await TestClient.register(server.url), await TestClient.register(server.url)];
  });
  afterAll(() => server.close());

  it('gets the same 404 for a foreign id as for one that does not exist, on every route', async () => {
    const chat = await ann.aChat(2);
    const branch = await ann.aBranch(chat.id, chat.pairs[0]!);
    const mine = await bob.aChat(1);
    const unknown = '01990000-0000-7000-8000-000000000000';
    const calls = (id: string, pair: string): [string, string, unknown?][] => [
      ['GET', `/chats/${id}`],
      ['GET', `/chats/get-chat?chat_id=${id}`],
      ['PATCH', `/chats/${id}`, { name: 'x' }],
      ['PUT', `/chats/update-chat`, { chat_id: id, name: 'x' }],
      ['DELETE', `/chats/${id}`],
      ['DELETE', `/chats/delete-chat?chat_id=${id}`],
      ['POST', `/chats/${id}/restore`],
      ['GET', `/chats/${id}/messages`],
      ['GET', `/chats/${mine.id}/messages?around=${pair}`],
      ['GET', `/chats/${id}/messages/${pair}`],
      ['GET', `/chats/${mine.id}/messages/${pair}`],
      ['POST', `/chats/${id}/messages`, { question: 'q', response: 'r' }],
      ['POST', `/chats/${id}/messages?branch=active`, { question: 'q', response: 'r' }],
      ['POST', `/chats/${id}/messages`, { question: 'q' }],
      ['POST', `/messages/add-message`, { chat_id: id, question: 'q', response: 'r' }],
      ['POST', `/chats/${id}/branches`, { response_id: pair }],
      ['POST', `/chats/${mine.id}/branches`, { response_id: pair }],
      [
        'POST',
        `/chats/${mine.id}/messages`,
        { question: 'q', response: 'r', parent_response_id: pair, on_conflict: 'fork' },
      ],
      ['POST', `/branches/create-branch`, { chat_id: id, response_id: pair }],
      ['GET', `/chats/${id}/branches`],
      ['GET', `/branches/get-branches?chat_id=${id}`],
      ['PUT', `/chats/${id}/active-branch`, { branch_chat_id: id }],
      ['PUT', `/chats/${mine.id}/active-branch`, { branch_chat_id: id }],
      ['PUT', `/branches/set-active-branch`, { chat_id: mine.id, branch_chat_id: id }],
      ['GET', `/chats/${id}/summary`],
      ['GET', `/chats/${id}/compare?with=${mine.id}`],
      ['GET', `/chats/${mine.id}/compare?with=${id}`],
    ];
    const foreign = calls(branch, chat.pairs[0]!);
    const missing = calls(unknown, unknown);
    for (const [i, [method, path, body]] of foreign.entries()) {
      const answer = await bob.request(method, `/api/v1${path}`, { body });
      const other = await bob.request(missing[i]![0], `/api/v1${missing[i]![1]}`, {
        body: missing[i]![2],
      });
      const line = `${method} ${path}`;
      expect([line, answer.status]).toEqual([line, 404]);
      expect([line, { ...answer.body, request_id: '' }]).toEqual([
        line,
        { ...other.body, request_id: '' },
      ]);
    }
    expect(await ann.questionsOf(chat.id)).toEqual(['q1', 'q2']);
    expect(await bob.questionsOf(mine.id)).toEqual(['q1']);
  });
});
