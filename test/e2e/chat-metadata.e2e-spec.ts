import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { MODES } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { type SharedServer, sharedServer } from '../support/shared-server.js';

const METADATA =
  '{"customer":"acme","id":1546130668394913822,"price":1.10,"vip":true,"left":null,"deep":{"list":[0.10,1E5]}}';

describe.each(MODES)('metadata of chats, words in %s', (mode) => {
  let server: SharedServer;
  let ann: TestClient;

  beforeAll(async () => {
    server = await sharedServer(mode);
    ann = await TestClient.register(server.url);
  });
  afterAll(() => server.close());

  const make = (path = '/api/v1/chats', who = ann) =>
    who.request('POST', path, { raw: `{"metadata":${METADATA}}` });
  const found = async (query: string, who = ann): Promise<string[]> =>
    (await who.get(`/chats?${query}`)).body.items.map(
      ({ chat_id }: { chat_id: string }) => chat_id,
    );

  it('come back from every route and event as they came, to the last digit', async () => {
    for (const made of [await make(), await make('/api/v1/chats/create-chat')]) {
      expect(made.text).toContain(`"metadata":${METADATA}`);
      const id = made.body.chat_id;
      const reads = ['/chats', `/chats/${id}`, `/chats/get-chat?chat_id=${id}`];
      for (const path of reads)
        expect((await ann.get(path)).text).toContain(`"metadata":${METADATA}`);
      expect((await ann.patch(`/chats/${id}`, { name: 'other' })).text).toContain(
        `"metadata":${METADATA}`,
      );
    }
  });

  it('take the place of what was there, and are taken away by null; a branch begins without', async () => {
    const { body: chat } = await make();
    const pair = await ann.append(chat.chat_id, 'q');
    const branch = await ann.post(`/chats/${chat.chat_id}/branches`, { response_id: pair });
    const active = await ann.post(`/chats/${chat.chat_id}/branches`, {
      response_id: pair,
      activate: true,
    });
    expect([branch.body.metadata, active.body.metadata]).toEqual([null, null]);
    expect(
      (await ann.patch(`/chats/${chat.chat_id}`, { metadata: { b: 2 } })).body.metadata,
    ).toEqual({ b: 2 });
    expect(await found('metadata.customer=acme')).not.toContain(chat.chat_id);
    expect(await found('metadata.b=2')).toEqual([chat.chat_id]);
    expect(
      (await ann.patch(`/chats/${chat.chat_id}`, { metadata: null })).body.metadata,
    ).toBeNull();
    expect(await found('metadata.b=2')).toEqual([]);
  });

  it('find chats by text, by a number as it was written, by true, false and null, by all keys that are named, and nobody else’s', async () => {
    const bob = await TestClient.register(server.url);
    const ids = [
      (await make(undefined, bob)).body.chat_id,
      (await make(undefined, bob)).body.chat_id,
    ].reverse();
    const good = [
      'customer=acme',
      'id=1546130668394913822',
      'price=1.10',
      'vip=true',
      'left=null',
      'vip=true&metadata.price=1.10',
    ];
    for (const query of good)
      expect([query, await found(`metadata.${query}`, bob)]).toEqual([query, ids]);
    const bad = [
      'customer=acm',
      'price=1.1',
      'id=1546130668394913823',
      'vip=true&metadata.price=2',
      'deep=x',
      'none=acme',
    ];
    for (const query of bad)
      expect([query, await found(`metadata.${query}`, bob)]).toEqual([query, []]);
    const { body: page } = await bob.get('/chats?limit=1&metadata.vip=true');
    expect(await found(`metadata.vip=true&cursor=${page.next_cursor}`, bob)).toEqual([ids[1]]);
    expect(await found('metadata.customer=acme')).not.toContain(ids[0]);
  });

  it.each([
    [{ metadata: [] }, 'must be an object'],
    [
      { metadata: Object.fromEntries(Array.from({ length: 65 }, (_, n) => [`k${n}`, n])) },
      'at most 64 keys',
    ],
    [{ metadata: { text: 'x'.repeat(16 * 1024) } }, 'at most 16384 bytes'],
    [{ metadata: { 'a.b': 1 } }, 'must not have the key'],
    [{ metadata: { a: 'x\u0000' } }, 'U+0000'],
  ])('that cannot be kept are refused: %#', async (body, sentence) => {
    const { status, text } = await ann.post('/chats', body);
    expect([status, text]).toEqual([422, expect.stringContaining(sentence)]);
  });

  it.each(['metadata=x', 'metadata.=x', 'metadata.a=1&metadata.a=2', 'meta.a=1'])(
    'and a filter that says nothing too: %s',
    async (query) => {
      expect(await ann.get(`/chats?${query}`)).toMatchObject({ status: 422 });
    },
  );
});
