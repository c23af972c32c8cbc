// Loaded by Node itself, not by jest: what is started here stays for all files of a worker.
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isBuilt } from '../../../scripts/build-if-stale.mjs';

const MAIN = fileURLToPath(new URL('../../../dist/server/main.mjs', import.meta.url));
const HASH_ONCE = new URL('./hash-once.mjs', import.meta.url).href;
const READY = /Banyan is ready: (\S+)/;
const READY_TIMEOUT_MS = 60_000;

const started = new Map();
let built;

/** Whether `dist` is what the sources say: a server of yesterday must not be tested. */
export const canShare = () => (built ??= isBuilt());

/** The server of that name; the first who asks for it says with which settings it is started. */
export function sharedServer(name, settings) {
  if (!started.has(name)) started.set(name, start(settings()));
  return started.get(name);
}

async function start(settings) {
  const { databaseUrl, env } = await settings;
  const { spawnWatched } = await import('../../../dist/src/database/embedded-process.js');
  const cwd = mkdtempSync(join(process.env.TEST_DIR, 'server-'));
  const given = { ...env, DATA_DIR: join(cwd, 'data'), NODE_ENV: 'test' };
  const assignments = Object.entries(given).map((pair) => pair.join('='));
  const lines = [];
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(lines.join('\n'))), READY_TIMEOUT_MS);
    const child = spawnWatched({
      file: '/usr/bin/env',
      args: [...assignments, process.execPath, '--import', HASH_ONCE, MAIN],
      cwd,
      runAs: { prefix: [] },
      onLine: (line) => {
        const url = READY.exec(line)?.[1];
        if (!url) return void lines.push(line);
        clearTimeout(late);
        for (const held of [child, child.stdin, child.stderr]) held.unref();
        resolve({ url, databaseUrl });
      },
    });
  });
}
