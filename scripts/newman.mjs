// Runs postman_collection.json with newman against two servers of its own, without a provider and
// with a fake one: free ports, empty data folders. Exits with newman's code, the first that is not
// 0. newman is not among the dependencies (it is large): npx fetches it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import ts from 'typescript';
import { buildIfStale } from './build-if-stale.mjs';
import { freePort } from '../test/support/stores.mjs';

const NEWMAN = 'newman@6.2.2';
const READY_TIMEOUT_MS = 60_000;
const ROOT = fileURLToPath(new URL('..', import.meta.url));

async function startServer(dir, port, settings) {
  // No other setting is handed on: a DATABASE_URL of this shell must not be the one that is tested.
  const { PATH = '', HOME = '/' } = process.env;
  const env = {
    PATH,
    HOME,
    PORT: String(port),
    HOST: '127.0.0.1',
    DATA_DIR: join(dir, 'data'),
    LOG_LEVEL: 'warn',
    ...settings,
  };
  const server = spawn(process.execPath, [join(ROOT, 'dist/src/main.js')], {
    cwd: dir,
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  for (const deadline = Date.now() + READY_TIMEOUT_MS; !(await isReady(port)); await sleep(100)) {
    if (server.exitCode !== null) throw new Error('the server did not start');
    if (Date.now() > deadline)
      throw (server.kill('SIGKILL'), new Error('the server was not ready in time'));
  }
  return server;
}

const isReady = (port) =>
  fetch(`http://127.0.0.1:${port}/readyz`).then(
    ({ ok }) => ok,
    () => false,
  );

async function runNewman(port) {
  const args = [
    '--yes',
    NEWMAN,
    'run',
    join(ROOT, 'postman_collection.json'),
    '--env-var',
    `base_url=http://127.0.0.1:${port}`,
  ];
  const newman = spawn('npx', [...args, '--color', 'off', ...process.argv.slice(2)], {
    cwd: ROOT,
    stdio: 'inherit',
  });
  const [code] = await once(newman, 'exit');
  return code ?? 1;
}

/** The one of the tests, which is TypeScript. */
async function startProvider(dir) {
  const source = readFileSync(join(ROOT, 'test/support/fake-provider.ts'), 'utf8');
  const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023 };
  const file = join(dir, 'fake-provider.mjs');
  writeFileSync(file, ts.transpileModule(source, { compilerOptions }).outputText);
  const { FakeProvider } = await import(pathToFileURL(file).href);
  return FakeProvider.start();
}

async function run(withProvider) {
  console.log(`\nAgainst a server ${withProvider ? 'with' : 'without'} a provider of models:`);
  const dir = mkdtempSync(join(tmpdir(), 'banyan-newman-'));
  chmodSync(dir, 0o755); // as root PostgreSQL runs as another user, who must get in
  let provider;
  let server;
  try {
    provider = withProvider ? await startProvider(dir) : null;
    const port = await freePort();
    server = await startServer(dir, port, provider?.settings());
    return await runNewman(port);
  } finally {
    if (server && server.exitCode === null) {
      server.kill('SIGTERM');
      await once(server, 'exit');
    }
    await provider?.close();
    rmSync(dir, { recursive: true, force: true });
  }
}

async function main() {
  await buildIfStale();
  return (await run(false)) || run(true);
}

process.exitCode = await main().catch((error) => {
  console.error(error.message);
  return 1;
});
