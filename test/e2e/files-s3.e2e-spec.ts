import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { SETTINGS, startTestApp, type TestApp } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { aForm } from '../support/forms.js';
import { Proxy } from '../support/proxy.js';
import { type S3Server, startS3 } from '../support/s3-server.js';
import { ServerProcess } from '../support/server-process.js';
import { stopwatch } from '../support/machine-clock.js';

const MIB = 1024 * 1024;

describe('files in S3', () => {
  let s3: S3Server;
  let proxy: Proxy;
  let server: TestApp;
  let ann: TestClient;

  beforeAll(async () => {
    s3 = await startS3();
    const { host, port } = new URL(new URL(s3.address).searchParams.get('endpoint')!);
    proxy = await Proxy.to({ host: '127.0.0.1', port: Number(port) });
    server = await startTestApp('postgres', {
      FILE_STORE: s3.address.replace(host, `127.0.0.1:${proxy.port}`),
      S3_ACCESS_KEY_ID: s3.keys.accessKeyId,
      S3_SECRET_ACCESS_KEY: s3.keys.secretAccessKey,
      LOG_LEVEL: 'fatal',
    });
    ann = await TestClient.register(server.url);
  });
  afterAll(async () => {
    await server?.close();
    await proxy?.close();
    await s3?.stop();
  });

  const upload = (bytes: Buffer) => ann.request('POST', '/api/v1/files', aForm({ bytes }));
  const contentOf = (fileId: string, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`${server.url}/api/v1/files/${fileId}/content`, {
      headers: { authorization: `Bearer ${ann.token}`, ...headers },
    });
  const readiness = async (): Promise<any> => (await fetch(`${server.url}/readyz`)).json();

  it('come back as they were, whole and in ranges', async () => {
    const bytes = randomBytes(6 * MIB);
    const made = await upload(bytes);
    expect(made.status).toBe(201);
    const whole = await contentOf(made.body.file_id);
    expect(Buffer.from(await whole.arrayBuffer()).equals(bytes)).toBe(true);
    const range = await contentOf(made.body.file_id, { range: `bytes=${MIB - 1}-${3 * MIB}` });
    expect(range.status).toBe(206);
    const found = Buffer.from(await range.arrayBuffer());
    expect(found.equals(bytes.subarray(MIB - 1, 3 * MIB + 1))).toBe(true);
    expect((await ann.delete(`/files/${made.body.file_id}`)).status).toBe(204);
  });

  it('the server is ready with it', async () => {
    expect(await readiness()).toMatchObject({
      status: 'ready',
      stores: { files: { status: 'up', mode: 'external' } },
    });
  });

  it.each([
    ['cut', 3500],
    ['silence', 7000],
  ] as const)(
    'are refused with 503 in time where it is away (%s), and go on when it is back',
    async (way, ms) => {
      const made = await upload(randomBytes(1000));
      proxy[way]();
      const ran = stopwatch();
      const [up, down] = await Promise.all([
        upload(randomBytes(1000)),
        contentOf(made.body.file_id),
      ]);
      expect(ran()).toBeLessThan(ms);
      expect([up.status, up.body.code]).toEqual([503, 'store_unavailable']);
      expect(up.headers.get('retry-after')).toBe('2');
      expect([down.status, ((await down.json()) as any).code]).toEqual([
        503,
        'content_unavailable',
      ]);
      expect((await ann.get('/chats')).status).toBe(200);
      proxy.mend();
      let again = await contentOf(made.body.file_id);
      while (again.status === 503) again = await contentOf(made.body.file_id);
      expect(again.status).toBe(200);
    },
  );
});

it('a start with half of the settings of S3 ends at once, names the mend and no secret', async () => {
  const cwd = mkdtempSync(join(tmpdir(), 'banyan-s3-'));
  const server = new ServerProcess({
    cwd,
    env: {
      ...SETTINGS,
      DATABASE_URL: 'postgres://nobody@127.0.0.1:9/none',
      FILE_STORE: 's3://bucket?endpoint=http://127.0.0.1:9',
      S3_SECRET_ACCESS_KEY: 'not-to-be-told',
    },
  });
  expect(await server.exit()).toBe(1);
  const said = server.out + server.err;
  expect(said).toContain('S3_ACCESS_KEY_ID must be set together with S3_SECRET_ACCESS_KEY');
  expect(said).not.toContain('not-to-be-told');
  rmSync(cwd, { recursive: true });
});
