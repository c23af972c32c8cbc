import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestApp, type TestApp, withClient } from '../support/app.js';
import { type Answer, TestClient } from '../support/client.js';
import { aForm, type FormFile, PDF, PNG } from '../support/forms.js';

const MIB = 1024 * 1024;

let server: TestApp;
let ann: TestClient;
beforeAll(async () => {
  server = await startTestApp('postgres', { FILE_BYTES_MAX: String(MIB) });
  ann = await TestClient.register(server.url);
});
afterAll(() => server.close());

const upload = (
  file: FormFile,
  headers: Record<string, string> = {},
  who = ann,
): Promise<Answer> => {
  const form = aForm(file);
  return who.request('POST', '/api/v1/files', {
    ...form,
    headers: { ...form.headers, ...headers },
  });
};

/** The bytes themselves, which `TestClient` would read as text. */
async function contentOf(
  fileId: string,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<{ status: number; headers: Headers; bytes: Buffer }> {
  const answer = await fetch(`${server.url}/api/v1/files/${fileId}/content`, {
    method,
    headers: { authorization: `Bearer ${ann.token}`, ...headers },
  });
  return {
    status: answer.status,
    headers: answer.headers,
    bytes: Buffer.from(await answer.arrayBuffer()),
  };
}

const rows = async (table: string, where: string, values: unknown[]): Promise<number> =>
  withClient(server.databaseUrl, async (client) => {
    const found = await client.query(
      `SELECT count(*)::int AS n FROM ${table} WHERE ${where}`,
      values,
    );
    return found.rows[0].n;
  });

describe('a file that is sent', () => {
  it('is answered with what it is, and its bytes come back as they were', async () => {
    const bytes = randomBytes(700_000);
    const made = await upload({ name: 'data.bin', bytes });
    expect(made.status).toBe(201);
    expect(made.body).toEqual({
      file_id: expect.any(String),
      name: 'data.bin',
      media_type: 'application/octet-stream',
      bytes: bytes.length,
      sha256: createHash('sha256').update(bytes).digest('hex'),
      created_at: expect.stringMatching(/^\d{4}-.*Z$/),
    });
    expect((await ann.get(`/files/${made.body.file_id}`)).body).toEqual(made.body);
    const content = await contentOf(made.body.file_id);
    expect(content.bytes.equals(bytes)).toBe(true);
    expect(content.headers.get('content-length')).toBe(String(bytes.length));
  });

  it.each([
    ['a picture that is said to be a text', 'text/plain', PNG, 'image/png'],
    ['a text that is said to be a picture', 'image/png', 'no picture', 'text/plain'],
    ['a page that is said to be a PDF', 'application/pdf', '<html></html>', 'text/plain'],
    ['nothing', 'image/png', '', 'application/octet-stream'],
  ])('has the type that its bytes have: %s', async (_, type, bytes, found) => {
    expect((await upload({ type, bytes })).body.media_type).toBe(found);
  });

  it.each([
    ['fjørd.png', 'fjørd.png'],
    ['C:\\holiday\\a b.png', 'a b.png'],
    ['../../etc/passwd', 'passwd'],
    ['  ', null],
  ])('is called as its sender calls it, without folders: %s', async (name, kept) => {
    expect((await upload({ name, bytes: PNG })).body.name).toBe(kept);
  });

  it('twice is two files, and its bytes are kept once until the last of them is deleted', async () => {
    const bob = await TestClient.register(server.url);
    const bytes = randomBytes(1000);
    const [one, two] = [await upload({ bytes }, {}, bob), await upload({ bytes }, {}, bob)];
    expect(one.body.file_id).not.toBe(two.body.file_id);
    expect(await rows('file_blobs', 'account_id = $1', [bob.accountId])).toBe(1);
    expect((await bob.delete(`/files/${one.body.file_id}`)).status).toBe(204);
    expect((await bob.get(`/files/${one.body.file_id}`)).status).toBe(404);
    expect((await bob.request('GET', `/api/v1/files/${two.body.file_id}/content`)).status).toBe(
      200,
    );
    expect((await bob.delete(`/files/${two.body.file_id}`)).status).toBe(204);
    expect(await rows('file_blobs', 'account_id = $1', [bob.accountId])).toBe(0);
  });

  it('with an Idempotency-Key is made once', async () => {
    const key = { 'idempotency-key': randomUUID() };
    const file = { name: 'once.png', bytes: PNG };
    const [first, again] = [await upload(file, key), await upload(file, key)];
    expect(again.text).toBe(first.text);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    const other = await upload({ ...file, bytes: PDF }, key);
    expect([other.status, other.body.code]).toEqual([422, 'idempotency_key_reused']);
  });
});

describe('a form that is not right', () => {
  const send = async (form: ReturnType<typeof aForm>): Promise<Answer> =>
    ann.request('POST', '/api/v1/files', form);
  const file = { bytes: 'x' };

  it.each([
    ['without a file', aForm(null), 422, 'file'],
    ['with its file under another name', aForm({ ...file, field: 'upload' }), 422, 'upload'],
    ['with a field that nobody knows', aForm(file, { colour: 'red' }), 422, 'colour'],
    ['with a name that is too long', aForm({ ...file, name: 'x'.repeat(256) }), 422, 'name'],
    ['that is cut', aForm(file, {}, { isCut: true }), 400, undefined],
    [
      'without its boundary',
      { ...aForm(file), headers: { 'content-type': 'multipart/form-data; a=b' } },
      400,
      undefined,
    ],
    ['that is none', { body: { file: 'x' } }, 415, undefined],
    ['with a file that is too large', aForm({ bytes: randomBytes(MIB + 1) }), 413, undefined],
  ])('%s is refused and leaves nothing', async (_, form, status, path) => {
    const before = await rows('files', 'true', []);
    const answer = await send(form);
    expect([answer.status, answer.body.errors?.[0]?.path]).toEqual([status, path]);
    expect(await rows('files', 'true', [])).toBe(before);
    expect(await rows('file_leftovers', 'due_at > now()', [])).toBe(0);
  });

  it('is what is asked for where something else comes', async () => {
    for (const type of ['application/octet-stream', 'application/json', 'text/plain']) {
      const { status, body } = await send({ raw: '{}', headers: { 'content-type': type } });
      expect([status, body.detail]).toEqual([
        415,
        'Send a form: Content-Type: multipart/form-data.',
      ]);
    }
  });

  it('is no body for any other route', async () => {
    const answer = await ann.request('POST', '/api/v1/chats', aForm(file));
    expect([answer.status, answer.body.code]).toEqual([415, 'unsupported_media_type']);
  });

  it('of a stranger is refused from its headers, before it is sent', async () => {
    const status = await new Promise((resolve, reject) => {
      const request = httpRequest(`${server.url}/api/v1/files`, {
        method: 'POST',
        headers: { ...aForm(file).headers, 'content-length': String(MIB) },
      });
      request.on('response', (answer) => {
        resolve(answer.statusCode);
        request.destroy();
      });
      request.on('error', reject);
      request.flushHeaders();
    });
    expect(status).toBe(401);
  });

  it('whose sender goes away in the middle leaves nothing', async () => {
    const { raw = '', headers } = aForm({ bytes: randomBytes(600_000) });
    const due = (): Promise<number> => rows('file_leftovers', 'due_at <= now()', []);
    const before = await due();
    await new Promise<void>((resolve) => {
      const request = httpRequest(`${server.url}/api/v1/files`, {
        method: 'POST',
        headers: {
          ...headers,
          authorization: `Bearer ${ann.token}`,
          'content-length': String(raw.length),
        },
      });
      request.on('error', () => resolve());
      request.on('close', () => resolve());
      request.write(raw.slice(0, 400_000), () => request.destroy());
    });
    while ((await due()) === before) await new Promise((resolve) => setImmediate(resolve));
    expect(await rows('file_leftovers', 'due_at > now()', [])).toBe(0);
  });
});

describe('the bytes of a file', () => {
  let id: string;
  const bytes = randomBytes(600_000);
  beforeAll(async () => {
    id = (await upload({ bytes })).body.file_id;
  });

  it.each([
    ['bytes=0-0', 0, 1],
    ['bytes=10-19', 10, 20],
    ['bytes=262143-262144', 262_143, 262_145],
    ['bytes=599990-', 599_990, 600_000],
    ['bytes=599990-700000', 599_990, 600_000],
    ['bytes=-10', 599_990, 600_000],
    ['bytes=-700000', 0, 600_000],
  ])('come in the range that is asked for: %s', async (range, from, to) => {
    const answer = await contentOf(id, { range });
    expect(answer.status).toBe(206);
    expect(answer.headers.get('content-range')).toBe(`bytes ${from}-${to - 1}/600000`);
    expect(answer.headers.get('content-length')).toBe(String(to - from));
    expect(answer.bytes.equals(bytes.subarray(from, to))).toBe(true);
  });

  it.each(['bytes=600000-', 'bytes=600000-600001', 'bytes=-0'])(
    'do not come from behind the end: %s is a 416',
    async (range) => {
      const answer = await contentOf(id, { range });
      expect([answer.status, answer.headers.get('content-range')]).toEqual([416, 'bytes */600000']);
      expect(JSON.parse(answer.bytes.toString()).code).toBe('range_not_satisfiable');
    },
  );

  it.each(['bytes=1-2,5-6', 'lines=1-2', 'bytes=9-3', 'bytes=a-b'])(
    'come whole where the range is no single one: %s',
    async (range) => {
      const answer = await contentOf(id, { range });
      expect([answer.status, answer.bytes.length]).toEqual([200, 600_000]);
    },
  );

  it('have a strong tag: 304 for who has them, and a range only of these bytes', async () => {
    const etag = (await contentOf(id)).headers.get('etag')!;
    expect(etag).toMatch(/^"[0-9a-f]{64}"$/);
    const known = await contentOf(id, { 'if-none-match': `"other", ${etag}` });
    expect([known.status, known.bytes.length]).toEqual([304, 0]);
    const range = 'bytes=0-9';
    expect((await contentOf(id, { range, 'if-range': etag })).status).toBe(206);
    expect((await contentOf(id, { range, 'if-range': '"other"' })).status).toBe(200);
  });

  it('are told of by HEAD without being sent', async () => {
    const answer = await contentOf(id, {}, 'HEAD');
    expect([answer.status, answer.headers.get('content-length'), answer.bytes.length]).toEqual([
      200,
      '600000',
      0,
    ]);
  });

  it.each([
    ['inline', 'image/png', PNG],
    ['inline', 'application/pdf', PDF],
    ['attachment', 'text/plain; charset=utf-8', '<script>alert(1)</script>'],
    ['attachment', 'image/svg+xml', '<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>'],
    ['attachment', 'application/octet-stream', Buffer.from([0, 1, 2])],
  ])('are shown (%s) only where they are safe: %s', async (disposition, type, file) => {
    const made = await upload({ name: 'ä"b\\;.html', type: 'text/html', bytes: file });
    const { headers } = await contentOf(made.body.file_id);
    expect(headers.get('content-type')).toBe(type);
    expect(headers.get('content-disposition')).toMatch(new RegExp(`^${disposition}; filename=`));
    expect(headers.get('content-disposition')).toContain("filename*=UTF-8''%C3%A4");
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('content-security-policy')).toBe("sandbox; default-src 'none'");
  });

  it('are nobody else’s', async () => {
    const bob = await TestClient.register(server.url);
    for (const path of [`/files/${id}`, `/files/${id}/content`]) {
      const [foreign, none] = [await bob.get(path), await bob.get(path.replace(id, randomUUID()))];
      expect(foreign.status).toBe(404);
      expect({ ...foreign.body, request_id: '' }).toEqual({ ...none.body, request_id: '' });
    }
    expect((await bob.delete(`/files/${id}`)).status).toBe(404);
    expect((await ann.get(`/files/${id}`)).status).toBe(200);
  });

  it('that are gone from their store are a 503, and never a shorter file', async () => {
    const made = await upload({ bytes: randomBytes(10) });
    await withClient(server.databaseUrl, (client) =>
      client.query(
        `DELETE FROM file_chunks WHERE blob_id IN (SELECT blob_id FROM file_blobs WHERE encode(sha256, 'hex') = $1)`,
        [made.body.sha256],
      ),
    );
    const answer = await contentOf(made.body.file_id);
    expect([answer.status, JSON.parse(answer.bytes.toString()).code]).toEqual([
      503,
      'content_unavailable',
    ]);
  });
});

it('files are listed in pages, newest first, each once', async () => {
  const bob = await TestClient.register(server.url);
  const made: string[] = [];
  for (let n = 0; n < 5; n++) made.unshift((await upload({ bytes: PNG }, {}, bob)).body.file_id);
  const listed: string[] = [];
  let path: string | null = '/api/v1/files?limit=2';
  while (path) {
    const answer: Answer = await bob.request('GET', path);
    listed.push(...answer.body.items.map((file: { file_id: string }) => file.file_id));
    const next = /<(\?[^>]+)>; rel="next"/.exec(answer.headers.get('link') ?? '');
    path = next && `/api/v1/files${next[1]}`;
  }
  expect(listed).toEqual(made);
  const foreign = await ann.get('/files?limit=2');
  expect((await bob.get(`/chats?cursor=${foreign.body.next_cursor}`)).status).toBe(422);
});
