// Runs postman_collection.json with newman against two servers of its own, without a provider and
// with a fake one: free ports, empty data folders. Exits with newman's code, the first that is not
// 0. newman is not among the dependencies (it is large): npx fetches it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildIfStale } from './build-if-stale.mjs';
import { inFolder, startProvider, startServer } from './started-server.mjs';

const NEWMAN = 'newman@6.2.2';
const ROOT = fileURLToPath(new URL('..', import.meta.url));

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

function run(withProvider) {
  console.log(`\nAgainst a server ${withProvider ? 'with' : 'without'} a provider of models:`);
  return inFolder(async (dir) => {
    const { provider } = withProvider ? await startProvider(dir) : {};
    try {
      const server = await startServer(dir, provider?.settings());
      return await runNewman(server.port).finally(server.stop);
    } finally {
      await provider?.close();
    }
  });
}

async function main() {
  await buildIfStale();
  return (await run(false)) || run(true);
}

process.exitCode = await main().catch((error) => {
  console.error(error.message);
  return 1;
});
