import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { createDatabase, SETTINGS } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { ServerProcess } from '../support/server-process.js';

describe('a server that is sent such bodies', () => {
  it('answers each, and hears SIGTERM (S2)', async () => {
    const cwd = mkdtempSync(join(tmpdir(), 'banyan-bodies-'));
    const settings = { ...SETTINGS, LOG_LEVEL: 'error', DATABASE_URL: await createDatabase() };
    const flooded = await ServerProcess.ready({ cwd, env: settings });
    try {
      const bob = await TestClient.register(flooded.url);
      const { id } = await bob.aChat();
      const members = (count: number) =>
        `{${Array.from({ length: count }, (_, n) => `"${n}":0`).join(',')}}`;
      const lists = `{"model":"m","messages":[${Array.from({ length: 2_600_000 }, () => '[]').join(',')}]}`;
      const send = () =>
        Promise.all([
          bob.request('POST', '/v1/chat/completions', { raw: lists }),
          bob.request('POST', '/api/chat', {
            raw: `{"id":"x","messages":[{"id":"m","role":"user","metadata":${members(700_000)}}]}`,
          }),
          bob.request('POST', `/api/v1/chats/${id}/messages`, {
            raw: `{"question":"q","metadata":${members(40_000)}}`,
          }),
        ]);
      expect((await send()).map(({ status }) => status)).toEqual([400, 422, 422]);
      const under = send().catch(() => undefined);
      flooded.signal('SIGTERM');
      expect(await flooded.exit()).toBe(0);
      await under;
    } finally {
      flooded.kill();
      rmSync(cwd, { recursive: true, force: true });
    }
  });
});
