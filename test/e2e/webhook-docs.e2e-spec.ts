import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { startTestApp, type TestApp } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { CERTIFICATE_FILE, RECEIVER_SETTINGS } from '../support/receiver.js';
import { freePort } from '../support/stores.mjs';
import { until } from '../support/machine-clock.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PAGE = readFileSync(new URL('../../docs/webhooks.md', import.meta.url), 'utf8');
const [, SCRIPT] = PAGE.slice(PAGE.indexOf('<!-- receiver')).match(/```js\n([\s\S]*?)```/)!;

describe('the receiver of docs/webhooks.md', () => {
  let server: TestApp;
  let child: ChildProcess;
  let out = '';
  const prints = (text: string): Promise<unknown> =>
    until(
      () => out.includes(text),
      () => `${text} in ${out}`,
    );

  beforeAll(async () => {
    server = await startTestApp('postgres', RECEIVER_SETTINGS);
  });
  afterAll(async () => {
    child.kill();
    await server.close();
  });

  it('takes what is signed, once, and refuses the rest', async () => {
    const port = await freePort();
    const ann = await TestClient.register(server.url);
    const { body: hook } = await ann.post('/webhooks', { url: `https://127.0.0.1:${port}/` });
    const env = {
      PATH: process.env.PATH,
      WEBHOOK_SECRET: hook.secret,
      TLS_KEY: CERTIFICATE_FILE,
      TLS_CERT: CERTIFICATE_FILE,
      PORT: String(port),
    };
    child = spawn(process.execPath, ['--input-type=module'], {
      cwd: ROOT,
      env,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    child.stdout!.on('data', (data: Buffer) => (out += String(data)));
    child.stdin!.end(SCRIPT);
    await prints('listening');

    await ann.aChat(1);

    await prints('message.completed 2');
    // It prints before its answer is there.
    const { items } = await until(async () => {
      const { body } = await ann.get(`/webhooks/${hook.webhook_id}/deliveries`);
      return body.items[0]?.status === 'delivered' && body;
    });
    expect(items).toMatchObject([{ status: 'delivered', last_status: 204 }]);

    await ann.post(`/webhooks/${hook.webhook_id}/rotate-secret`);
    await ann.post(`/webhooks/${hook.webhook_id}/rotate-secret`);
    await ann.aChat(1);
    await until(async () => {
      const { items } = (await ann.get(`/webhooks/${hook.webhook_id}/deliveries?status=pending`))
        .body;
      return items[0]?.last_status === 400;
    });
    // It knows neither of the two secrets that sign now.
    expect(
      (await ann.get(`/webhooks/${hook.webhook_id}/deliveries?status=pending`)).body.items,
    ).toMatchObject([{ last_status: 400 }]);
    expect(out.match(/message\.completed/g)).toHaveLength(1);
  });
});
