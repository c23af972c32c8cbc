import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestApp, type TestApp, withClient } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { FakeProvider } from '../support/fake-provider.js';
import { columnsWith } from '../support/word-places.js';

let provider: FakeProvider;
let server: TestApp;
let ann: TestClient;

beforeAll(async () => {
  provider = await FakeProvider.start();
  server = await startTestApp('postgres', provider.settings());
  ann = await TestClient.register(server.url);
});
afterEach(() => provider.reset());
afterAll(async () => {
  await server.close();
  await provider.close();
});

const merge = (chatId: string, body: object, headers?: Record<string, string>) =>
  ann.post(`/chats/${chatId}/merge`, body, headers);
/** A chat of two pairs, and a branch of its first one with two of its own. */
async function aSideBranch() {
  const chat = await ann.aChat(2);
  const branch = await ann.aBranch(chat.id, chat.pairs[0]!, { name: 'aside' });
  const own = [await ann.append(branch, 'b2', 'found'), await ann.append(branch, 'b3', 'more')];
  return { id: chat.id, pairs: chat.pairs, branch, own };
}

describe('a merge', () => {
  it('of pairs brings those that the chat does not see to its end, with where they come from', async () => {
    const { id, pairs, branch, own } = await aSideBranch();
    const { status, body } = await merge(id, { from_chat_id: branch, mode: 'pairs' });
    expect([status, body.chat_id]).toEqual([201, id]);
    expect(
      body.qa_pairs.map(({ seq, question, response, metadata }: any) => [
        seq,
        question,
        response,
        metadata,
      ]),
    ).toEqual([
      [3, 'b2', 'found', { merged_from: { chat_id: branch, response_ids: [own[0]] } }],
      [4, 'b3', 'more', { merged_from: { chat_id: branch, response_ids: [own[1]] } }],
    ]);
    const path = (await ann.get(`/chats/${id}/messages`)).body.qa_pairs;
    expect(path.slice(2)).toEqual(body.qa_pairs);
    expect(path.slice(0, 2).map(({ response_id }: any) => response_id)).toEqual(pairs);
    expect(await ann.questionsOf(branch)).toEqual(['q1', 'b2', 'b3']);
  });

  it('keeps type, author, parts and all digits of what is brought', async () => {
    const { id, branch } = await aSideBranch();
    const raw = `{"question":"f()","response":"g()","author":"Ada","message_type":"code","metadata":{"language":"c"}}`;
    const number = `{"question":"n","response":"m","metadata":{"id":1546130668394913822,"r":1.10}}`;
    const ids: string[] = [];
    for (const text of [raw, number])
      ids.push(
        (await ann.request('POST', `/api/v1/chats/${branch}/messages`, { raw: text })).body
          .response_id,
      );
    const { body, text } = await merge(id, {
      from_chat_id: branch,
      mode: 'pairs',
      response_ids: ids,
    });
    expect(body.qa_pairs[0]).toMatchObject({
      message_type: 'code',
      author: 'Ada',
      metadata: { language: 'c' },
    });
    expect(text).toContain('"id":1546130668394913822,"r":1.10,"merged_from"');
  });

  it('brings the same once: asked again it answers the same pairs, and only what is new is brought', async () => {
    const { id, branch, own } = await aSideBranch();
    const first = await merge(id, { from_chat_id: branch, mode: 'pairs', response_ids: [own[0]] });
    const again = await merge(id, { from_chat_id: branch, mode: 'pairs', response_ids: [own[0]] });
    expect([again.status, again.body]).toEqual([201, first.body]);
    const rest = await merge(id, { from_chat_id: branch, mode: 'pairs' });
    expect(rest.body.qa_pairs.map(({ question }: any) => question)).toEqual(['b3']);
    const [one, two] = await Promise.all(
      [1, 2].map(() => merge(branch, { from_chat_id: id, mode: 'summary', text: 'x' })),
    );
    expect(one!.body).toEqual(two!.body);
    expect(await ann.questionsOf(id)).toEqual(['q1', 'q2', 'b2', 'b3']);
    expect(await ann.questionsOf(branch)).toHaveLength(4);
  });

  it('sums up in words of its own, or of the model, which is shown the branch alone', async () => {
    const { id, branch, own } = await aSideBranch();
    provider.next({ tokens: ['It was ', 'found.'] });
    const { status, body } = await merge(id, { from_chat_id: branch, mode: 'summary' });
    expect(status).toBe(201);
    expect(body.qa_pairs).toMatchObject([
      {
        response: 'It was found.',
        metadata: { merged_from: { chat_id: branch, response_ids: own } },
      },
    ]);
    expect(provider.asked).toHaveLength(1);
    const told = JSON.stringify(provider.asked[0]!.body.messages);
    expect([told.includes('found'), told.includes('q2')]).toEqual([true, false]);
    await merge(id, { from_chat_id: branch, mode: 'summary' });
    expect(provider.asked).toHaveLength(1);
    const other = await aSideBranch();
    const mine = await merge(other.id, {
      from_chat_id: other.branch,
      mode: 'summary',
      text: 'Mine.',
    });
    expect(mine.body.qa_pairs[0].response).toBe('Mine.');
    expect(provider.asked).toHaveLength(1);
  });

  it('stores nothing where the model fails, and is answered once for each key', async () => {
    const { id, branch } = await aSideBranch();
    provider.next({ status: 500 });
    const failed = await merge(id, { from_chat_id: branch, mode: 'summary' });
    expect([failed.status, failed.body.code]).toEqual([502, 'model_failed']);
    expect(await ann.questionsOf(id)).toHaveLength(2);
    const key = { 'idempotency-key': randomUUID() };
    const asked = { from_chat_id: branch, mode: 'summary', text: 'Once.' };
    const first = await merge(id, asked, key);
    const again = await merge(id, asked, key);
    expect([again.body, again.headers.get('idempotent-replayed')]).toEqual([first.body, 'true']);
  });

  it('is refused where it makes no sense: of itself, of another conversation, of nothing, of what is seen', async () => {
    const { id, pairs, branch } = await aSideBranch();
    const apart = await ann.aChat(1);
    const empty = await ann.aBranch(id, pairs[1]!);
    const bob = await TestClient.register(server.url);
    const bobs = await bob.aChat(1);
    const codeOf = async (body: object, to = id) => {
      const answer = await merge(to, { mode: 'pairs', ...body });
      return [answer.status, answer.body.code, answer.body.errors?.[0].path];
    };
    expect(await codeOf({ from_chat_id: id })).toEqual([422, 'validation_failed', 'from_chat_id']);
    expect(await codeOf({ from_chat_id: apart.id })).toEqual([
      422,
      'validation_failed',
      'from_chat_id',
    ]);
    expect(await codeOf({ from_chat_id: branch, text: 'in my words' })).toEqual([
      422,
      'validation_failed',
      'text',
    ]);
    expect(await codeOf({ from_chat_id: bobs.id })).toEqual([404, 'chat_not_found', undefined]);
    expect(await codeOf({ from_chat_id: randomUUID() })).toEqual([
      404,
      'chat_not_found',
      undefined,
    ]);
    expect(await codeOf({ from_chat_id: branch }, bobs.id)).toEqual([
      404,
      'chat_not_found',
      undefined,
    ]);
    expect(await codeOf({ from_chat_id: empty })).toEqual([409, 'nothing_to_merge', undefined]);
    expect(await codeOf({ from_chat_id: branch, response_ids: [pairs[0]] })).toEqual([
      ...[422, 'validation_failed', 'response_ids[0]'],
    ]);
    expect(await codeOf({ from_chat_id: branch, response_ids: [pairs[1]] })).toEqual([
      404,
      'message_not_found',
      undefined,
    ]);
    expect(await codeOf({ from_chat_id: branch, response_ids: [] })).toEqual([
      422,
      'validation_failed',
      'response_ids',
    ]);
    expect(await codeOf({ from_chat_id: branch, mode: 'all' })).toEqual([
      422,
      'validation_failed',
      'mode',
    ]);
    expect(await ann.questionsOf(id)).toEqual(['q1', 'q2']);
  });

  it('does not outlive its source: what is redacted there is redacted here, but for a text of one’s own', async () => {
    const word = `zq${randomUUID().replace(/[^a-f]/g, '')}`;
    const { id, branch } = await aSideBranch();
    const secret = await ann.append(branch, word, `it is ${word}`);
    provider.next({ tokens: [`all of ${word}`] });
    await merge(id, { from_chat_id: branch, mode: 'pairs' });
    await merge(id, { from_chat_id: branch, mode: 'summary' });
    const deeper = await ann.aBranch(id, null);
    await merge(deeper, { from_chat_id: id, mode: 'pairs' });
    await ann.delete(`/chats/${deeper}`);
    expect((await ann.delete(`/chats/${branch}/messages/${secret}`)).status).toBe(204);
    expect(await columnsWith(server.databaseUrl, word)).toEqual([]);
    const { body } = await ann.get(`/chats/${id}/messages`);
    expect(body.qa_pairs.map(({ status }: any) => status)).toEqual([
      ...['complete', 'complete', 'complete', 'complete', 'redacted', 'redacted'],
    ]);
    const left = await merge(id, { from_chat_id: branch, mode: 'pairs', response_ids: [secret] });
    expect(left.body.code).toBe('nothing_to_merge');
  });
});

describe('a conversation that a pair of another one started', () => {
  it('says so, inherits nothing, is listed by that pair, and is no branch of it', async () => {
    const { id, pairs } = await ann.aChat(2);
    const started_by = { response_id: pairs[1]! };
    const { status, body: child } = await ann.post('/chats', { name: 'sub-agent', started_by });
    expect([status, child.started_by, child.message_count]).toEqual([201, started_by, 0]);
    const other = (await ann.post('/chats', { started_by, metadata: { kind: 'tool' } })).body
      .chat_id;
    expect((await ann.get(`/chats/${child.chat_id}`)).body.started_by).toEqual(started_by);
    expect((await ann.get(`/chats/${id}`)).body.started_by).toBeNull();
    const listed = async (query: string) =>
      (await ann.get(`/chats?started_by=${query}`)).body.items.map(({ chat_id }: any) => chat_id);
    expect(await listed(pairs[1]!)).toEqual([other, child.chat_id]);
    expect(await listed(`${pairs[1]}&metadata.kind=tool`)).toEqual([other]);
    expect(await listed(`${pairs[1]}&limit=1`)).toEqual([other]);
    expect(await listed(pairs[0]!)).toEqual([]);
    expect((await ann.get(`/chats/${id}/branches`)).body.total).toBe(1);
    const branch = await ann.post(`/chats/${child.chat_id}/branches`, { response_id: null });
    expect([branch.status, branch.body.started_by]).toEqual([201, null]);
    await ann.delete(`/chats/${other}`);
    expect(await listed(pairs[1]!)).toEqual([child.chat_id]);
  });

  it('is started by a pair of one’s own, and by nothing else', async () => {
    const bob = await TestClient.register(server.url);
    const { pairs } = await ann.aChat(1);
    const starting = async (person: TestClient, started_by: unknown) => {
      const { status, body } = await person.post('/chats', { started_by });
      return [status, body.code];
    };
    const gone = [404, 'message_not_found'];
    expect(await starting(bob, { response_id: pairs[0] })).toEqual(gone);
    expect(await starting(ann, { response_id: randomUUID() })).toEqual(gone);
    for (const bad of ['x', {}, { response_id: 'x' }, { response_id: pairs[0], more: 1 }])
      expect([bad, ...(await starting(ann, bad))]).toEqual([bad, 422, 'validation_failed']);
    expect((await bob.get(`/chats?started_by=${pairs[0]}`)).body.items).toEqual([]);
    expect((await ann.get('/chats?started_by=x')).status).toBe(422);
    const kept = await withClient(server.databaseUrl, (client) =>
      client.query('SELECT FROM conversations WHERE account_id = $1', [bob.accountId]),
    );
    expect(kept.rowCount).toBe(0);
  });
});
