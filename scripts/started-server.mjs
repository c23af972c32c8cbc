// A server and a provider of models for scripts that try them from outside: free port, empty data
// folder, no setting of this shell.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import ts from 'typescript';
import { freePort } from '../test/support/stores.mjs';

const READY_TIMEOUT_MS = 60_000;
const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** A folder that goes with `work`; as root PostgreSQL runs as another user, who must get in. */
export async function inFolder(work) {
  const dir = mkdtempSync(join(tmpdir(), 'banyan-try-'));
  chmodSync(dir, 0o755);
  try {
    return await work(dir);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Answers its address, and how to stop it. */
export async function startServer(dir, settings = {}) {
  const port = await freePort();
  // No other setting is handed on: a DATABASE_URL of this shell must not be the one that is tested.
  const { PATH = '', HOME = '/' } = process.env;
  const env = { PATH, HOME, PORT: String(port), HOST: '127.0.0.1', DATA_DIR: join(dir, 'data') };
  const server = spawn(process.execPath, [join(ROOT, 'dist/server/main.mjs')], {
    cwd: dir,
    env: { ...env, LOG_LEVEL: 'warn', ...settings },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const stop = async () => {
    if (server.exitCode !== null) return;
    server.kill('SIGTERM');
    await once(server, 'exit');
  };
  for (const deadline = Date.now() + READY_TIMEOUT_MS; !(await isReady(port)); await sleep(100)) {
    if (server.exitCode !== null) throw new Error('the server did not start');
    if (Date.now() > deadline)
      throw (server.kill('SIGKILL'), new Error('the server was not ready in time'));
  }
  return { port, pid: server.pid, url: `http://127.0.0.1:${port}`, stop };
}

const isReady = (port) =>
  fetch(`http://127.0.0.1:${port}/readyz`).then(
    ({ ok }) => ok,
    () => false,
  );

/** The provider of the tests, which is TypeScript, with what it does when it obliges. */
export async function startProvider(dir) {
  const folder = join(dir, 'provider');
  mkdirSync(folder);
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023 };
  const load = (name) => import(pathToFileURL(join(folder, `${name}.js`)).href);
  for (const name of ['fake-provider', 'provider-turns']) {
    const source = readFileSync(join(ROOT, `test/support/${name}.ts`), 'utf8');
    const { outputText } = ts.transpileModule(source, { compilerOptions });
    writeFileSync(join(folder, `${name}.js`), outputText);
  }
  const [{ FakeProvider }, { obliging }] = [
    await load('fake-provider'),
    await load('provider-turns'),
  ];
  return { provider: await FakeProvider.start(), obliging };
}
