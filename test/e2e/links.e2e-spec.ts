import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { TestClient } from '../support/client.js';
import { aForm } from '../support/forms.js';
import { followed, operations } from '../support/contract.js';
import { type SharedServer, sharedServer } from '../support/shared-server.js';

/** Where the proxy of these tests has the server. */
const PREFIX = '/tools/banyan';

let server: SharedServer;
let proxy: Server;
/** The person as a client of the proxy. */
let ann: TestClient;

/** Hands on what is below PREFIX, without it. */
async function aProxyOf(url: string): Promise<Server> {
  const one = createServer((asked, answer) => {
    if (!asked.url!.startsWith(`${PREFIX}/`)) return void answer.writeHead(404).end();
    const there = request(url + asked.url!.slice(PREFIX.length), {
      method: asked.method,
      headers: asked.headers,
      agent: false,
    });
    there.on('response', (got) => got.pipe(answer.writeHead(got.statusCode!, got.headers)));
    asked.pipe(there);
  }).listen(0, '127.0.0.1');
  await once(one, 'listening');
  return one;
}

beforeAll(async () => {
  server = await sharedServer();
  proxy = await aProxyOf(server.url);
  const direct = await TestClient.register(server.url);
  ann = direct.at(`http://127.0.0.1:${(proxy.address() as AddressInfo).port}${PREFIX}`);
});
afterAll(async () => {
  proxy.close();
  await server.close();
});

/** What a list needs for having more than one page. */
async function aPagedScene(): Promise<Record<string, string>> {
  await ann.aChat();
  await ann.post('/auth/login', { email: ann.email, password: 'a password of tests' });
  const { id: chat_id } = await ann.aChat(3);
  await ann.aBranch(chat_id, null);
  const hooks = [1, 2].map(() => ann.post('/webhooks', { url: 'https://receiver.invalid' }));
  const webhook_id = (await Promise.all(hooks))[0]!.body.webhook_id as string;
  for (let n = 0; n < 2; n++) await ann.post(`/webhooks/${webhook_id}/test`);
  for (const name of ['one', 'two']) {
    await ann.request('POST', '/api/v1/files', aForm({ name, bytes: Buffer.from(name) }));
    await ann.post('/imports', []);
  }
  const { token } = (await ann.post(`/chats/${chat_id}/share`, { follow: true })).body;
  return { chat_id, chat_uuid: chat_id, thread_id: chat_id, webhook_id, token };
}

const linked = operations.filter(
  ({ responses }) => followed(responses['200'] ?? { description: '' }).headers?.Link,
);

describe('behind a proxy that has the server below a path (R2)', () => {
  it.each(
    linked.map(({ method, path, parameters }): [string, typeof parameters] => [
      `${method} ${path}`,
      parameters,
    ]),
  )('the pages of %s lead to each other', async (route, parameters) => {
    const ids = await aPagedScene();
    const query = parameters
      .filter(({ in: place, name }) => place === 'query' && name in ids)
      .map(({ name }) => `${name}=${ids[name]}`);
    // Two pairs of that chat.
    if (route.endsWith('/search')) query.push('q=q1+or+q2');
    const path = route.split(' ')[1]!.replace(/\{(\w+)\}/g, (_all, name: string) => ids[name]!);
    const first = `${PREFIX}${path}?${[...query, 'limit=1'].join('&')}`;

    const page = await ann.request('GET', first.slice(PREFIX.length));
    const [, link, rel] =
      /^<([^>]+)>; rel="(next|prev)"/.exec(page.headers.get('link') ?? '') ?? [];
    const { pathname, search } = new URL(link!, new URL(first, 'http://proxy'));

    expect(rel).toBeDefined();
    expect(pathname).toBe(PREFIX + path);
    const other = await ann.request('GET', (pathname + search).slice(PREFIX.length));
    expect(other.status).toBe(200);
    expect(other.text).not.toBe(page.text);
  });

  it.each(['/', '/c/019aa1b2/m/019aa1b3'])('%s is the page', async (place) => {
    const answer = await fetch(ann.url + place);

    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toMatch(/^text\/html/);
    const base = /<base href="([^"]+)"/.exec(await answer.text())![1]!;
    expect(new URL(base, ann.url + place).href).toBe(`${ann.url}/`);
  });

  it('files of the page are compressed, and kept for good by their names', async () => {
    const html = await (await fetch(`${ann.url}/`)).text();
    const [, script] = /src="(?:\.\/)?(assets\/[^"]+\.js)"/.exec(html)!;
    const answer = await fetch(`${ann.url}/${script}`, { headers: { 'accept-encoding': 'gzip' } });

    expect(answer.headers.get('content-encoding')).toBe('gzip');
    expect(answer.headers.get('cache-control')).toContain('immutable');
    // The bound of the first load (issue 13): 250 kB with styles and the page itself.
    expect(Number(answer.headers.get('content-length'))).toBeLessThan(240_000);
    expect((await fetch(`${ann.url}/assets/..%2findex.html`)).status).toBe(404);
  });
});
