import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { withClient } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { aForm, PNG } from '../support/forms.js';
import { type SharedServer, sharedServer } from '../support/shared-server.js';

describe('a link to a branch', () => {
  let server: SharedServer;
  let ann: TestClient;
  /** Nobody: without a token of an account. */
  let eve: TestClient;

  beforeAll(async () => {
    server = await sharedServer();
    ann = await TestClient.register(server.url);
    eve = new TestClient(server.url);
  });
  afterAll(() => server.close());

  const share = async (chatId: string, body: object = {}, headers?: Record<string, string>) =>
    (await ann.post(`/chats/${chatId}/share`, body, headers)).body;
  const read = (token: string, query = '', headers: Record<string, string> = {}) =>
    eve.get(`/shared/${token}${query}`, headers);
  const questionsIn = async (token: string): Promise<unknown[]> =>
    (await read(token)).body.qa_pairs.map(({ question }: any) => question);

  it('shows the path up to a pair to whoever has it, and nothing of how it was asked for', async () => {
    const { id, pairs } = await ann.aChat(3, { name: 'Norway', system_prompt: 'secret prompt' });
    const made = await share(id, { response_id: pairs[1] });
    expect(made).toEqual({
      ...{ share_id: expect.any(String), chat_id: id, response_id: pairs[1], follow: false },
      ...{ expires_at: null, created_at: expect.any(String) },
      ...{ token: expect.any(String), url: `/api/v1/shared/${made.token}` },
    });
    const { status, body, text, headers } = await read(made.token);
    expect(status).toBe(200);
    expect(body).toMatchObject({ name: 'Norway', follow: false, next_cursor: null });
    expect(body.qa_pairs).toHaveLength(2);
    expect(Object.keys(body.qa_pairs[1])).toEqual([
      ...['response_id', 'seq', 'question', 'response', 'question_parts', 'response_parts'],
      ...['metadata', 'message_type', 'author', 'status', 'model', 'timestamp'],
    ]);
    expect(body.qa_pairs[1]).toMatchObject({ seq: 2, question: 'q2', response: 'a2' });
    expect(text).not.toMatch(/secret prompt|account_id|q3/);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('x-robots-tag')).toContain('noindex');
  });

  it('of a branch has what that inherits, ends at its newest pair, and follows it only where that is said', async () => {
    const { id, pairs } = await ann.aChat(2);
    const branch = await ann.aBranch(id, pairs[0]!);
    await ann.append(branch, 'b2');
    const still = await share(branch);
    const follows = await share(branch, { response_id: pairs[0], follow: true });
    await ann.append(branch, 'b3');
    expect(await questionsIn(still.token)).toEqual(['q1', 'b2']);
    expect(await questionsIn(follows.token)).toEqual(['q1', 'b2', 'b3']);
    expect([still.follow, follows.follow, follows.response_id]).toEqual([false, true, null]);
  });

  it('is read in pages, from the first pair to the last one that it shows', async () => {
    const { id, pairs } = await ann.aChat(5);
    const { token } = await share(id, { response_id: pairs[3] });
    const seen: unknown[] = [];
    let query = '?limit=3';
    for (let pages = 1; query; pages++) {
      const { body, headers } = await read(token, query);
      seen.push(...body.qa_pairs.map(({ question }: any) => question));
      query = body.next_cursor && `?limit=3&cursor=${body.next_cursor}`;
      expect(headers.get('link')).toBe(query && `<${query}>; rel="next"`);
      expect(pages).toBeLessThan(3);
    }
    expect(seen).toEqual(['q1', 'q2', 'q3', 'q4']);
    expect((await read(token, '?cursor=nonsense')).status).toBe(422);
    expect((await read(token, '?limit=101')).status).toBe(422);
  });

  it('is a page without scripts for a browser, in which all that was said is text', async () => {
    const { id } = await ann.aChat(0, { name: '<b>"name"</b>' });
    await ann.append(id, `<script>alert('q')</script>`, '<img src=x onerror=alert(1)> & more');
    const { token } = await share(id);
    const page = await read(token, '', { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' });
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(page.headers.get('content-security-policy')).toMatch(
      /^default-src 'none'; style-src 'sha256-/,
    );
    expect(page.headers.get('vary')).toBe('Origin, accept');
    expect(page.text).not.toMatch(/<script|<img|<b>|javascript:/i);
    expect(page.text).toContain('&#60;img src=x onerror=alert(1)&#62; &#38; more');
    expect(page.text).toContain('<meta name="robots" content="noindex, nofollow">');
    for (const accept of ['*/*', 'application/json', 'application/json, text/html'])
      expect((await read(token, '', { accept })).headers.get('content-type')).toMatch(/json/);
  });

  it('loses redacted and deleted words at once', async () => {
    const { id, pairs } = await ann.aChat(2);
    const { token } = await share(id);
    await ann.delete(`/chats/${id}/messages/${pairs[0]}`);
    const { body } = await read(token);
    expect(body.qa_pairs[0]).toMatchObject({ status: 'redacted', question: null, response: null });
    expect((await read(token, '', { accept: 'text/html' })).text).toContain(
      'This message was erased.',
    );
    await ann.delete(`/chats/${id}`);
    expect((await read(token)).body).toMatchObject({ status: 404, code: 'share_not_found' });
    await ann.post(`/chats/${id}/restore`);
    expect((await read(token)).status).toBe(200);
  });

  it('tells of a file that a pair has, and gives its bytes to nobody but its owner', async () => {
    const { id } = await ann.aChat();
    const file = await ann.request('POST', '/api/v1/files', aForm({ name: 'dot.png', bytes: PNG }));
    const fileId: string = file.body.file_id;
    await ann.post(`/chats/${id}/messages`, {
      question_parts: [{ type: 'file', file_id: fileId, media_type: 'image/png' }],
      response: 'A dot.',
    });
    const { token } = await share(id);
    const { body } = await read(token);
    expect(body.qa_pairs[0].question_parts).toMatchObject([{ type: 'file', name: 'dot.png' }]);
    const bob = await TestClient.register(server.url);
    for (const path of [`/files/${fileId}`, `/files/${fileId}/content`]) {
      expect((await eve.get(path)).status).toBe(401);
      expect((await new TestClient(server.url, token).get(path)).status).toBe(401);
      expect((await bob.get(path)).status).toBe(404);
      expect((await ann.get(path)).status).toBe(200);
    }
    for (const path of [`/shared/${token}/files/${fileId}`, `/shared/${token}/${fileId}`])
      expect((await eve.get(path)).status).toBe(404);
  });

  it('ends when its owner says so, and at its time', async () => {
    const { id } = await ann.aChat(1);
    const [first, second] = [
      await share(id),
      await share(id, { expires_at: '2099-01-31T00:00:00Z' }),
    ];
    const listed = await ann.get(`/chats/${id}/shares`);
    expect(listed.body.items.map(({ share_id }: any) => share_id)).toEqual([
      second.share_id,
      first.share_id,
    ]);
    expect(listed.text).not.toContain(first.token);
    expect((await ann.delete(`/shares/${first.share_id}`)).status).toBe(204);
    expect((await ann.delete(`/shares/${first.share_id}`)).body.code).toBe('share_not_found');
    expect((await read(first.token)).status).toBe(404);
    expect(second.expires_at).toBe('2099-01-31T00:00:00.000Z');
    await withClient(server.databaseUrl, (client) =>
      client.query(`UPDATE shares SET expires_at = now() - interval '1 s' WHERE share_id = $1`, [
        second.share_id,
      ]),
    );
    expect((await read(second.token)).status).toBe(404);
    expect((await ann.get(`/chats/${id}/shares`)).body.items).toEqual([]);
  });

  it('is kept as a hash, once for each key, and its kept answer goes with it', async () => {
    const { id } = await ann.aChat(1);
    const key = { 'idempotency-key': randomUUID() };
    const made = await share(id, {}, key);
    expect(await share(id, {}, key)).toEqual(made);
    const rowsWith = (table: string) =>
      withClient(server.databaseUrl, async (client) => {
        const { rows } = await client.query(`SELECT FROM ${table} t WHERE t::text LIKE $1`, [
          `%${made.token}%`,
        ]);
        return rows.length;
      });
    expect([await rowsWith('shares'), await rowsWith('idempotency_keys')]).toEqual([0, 1]);
    await ann.delete(`/shares/${made.share_id}`);
    expect(await rowsWith('idempotency_keys')).toBe(0);
  });

  it('is refused where it makes no sense, and nobody can make or end one of another account', async () => {
    const { id, pairs } = await ann.aChat(1);
    const empty = await ann.aChat();
    const other = await ann.aChat(1);
    const bob = await TestClient.register(server.url);
    const made = await share(id);
    const codes = async (answers: Promise<any>[]) =>
      (await Promise.all(answers)).map(({ status, body }) => [status, body.code]);
    const gone = [404, 'chat_not_found'];
    expect(
      await codes([
        ann.post(`/chats/${empty.id}/share`, {}),
        ann.post(`/chats/${id}/share`, { expires_at: '2020-01-01T00:00:00Z' }),
        ann.post(`/chats/${id}/share`, { expires_at: 'tomorrow' }),
        ann.post(`/chats/${id}/share`, { until: 'tomorrow' }),
        ann.post(`/chats/${id}/share`, { response_id: other.pairs[0] }),
        ann.post(`/chats/${id}/share`, { response_id: other.pairs[0], follow: true }),
        bob.post(`/chats/${id}/share`, {}),
        bob.get(`/chats/${id}/shares`),
        bob.delete(`/shares/${made.share_id}`),
        read('nonsense'),
        read(`${made.token.slice(0, -1)}${made.token.endsWith('A') ? 'E' : 'A'}`),
      ]),
    ).toEqual([
      ...Array.from({ length: 4 }, () => [422, 'validation_failed']),
      ...Array.from({ length: 2 }, () => [404, 'message_not_found']),
      ...[gone, gone],
      ...Array.from({ length: 3 }, () => [404, 'share_not_found']),
    ]);
    const branch = await ann.aBranch(id, pairs[0]!);
    await ann.delete(`/chats/${branch}`);
    expect((await ann.post(`/chats/${branch}/share`, {})).body.code).toBe('chat_not_found');
  });
});
