// What a stranger does: clones the last commit into an empty folder, with an empty HOME, and
// follows the README. With --here it is this folder, where `npm ci` was run and nothing else yet: a
// clean checkout is a fresh clone. Exits 1 where it fails.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../test/support/stores.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const FIRST_START_SECONDS_MAX = 20;
const LATER_START_SECONDS_MAX = 5;

const isHere = process.argv.includes('--here');
const dir = mkdtempSync(join(tmpdir(), 'banyan-clone-'));
const clone = isHere ? ROOT : join(dir, 'banyan');
const port = await freePort();
const env = { ...process.env, HOME: join(dir, 'home'), PORT: String(port) };
for (const name of ['DATABASE_URL', 'MONGODB_URI', 'REDIS_URL', 'DATA_DIR', 'JWT_SECRET'])
  delete env[name];
// What somebody keeps in ./data is not for trying.
if (isHere) env.DATA_DIR = join(dir, 'data');

const run = (file, args) =>
  execFileSync(file, args, {
    cwd: clone,
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });

/**
 * Runs `npm start` until it says that it is ready, then `work`, then ends it; answers the seconds
 * until it was ready.
 */
async function withServer(work) {
  const started = performance.now();
  const child = spawn('npm', ['start'], { cwd: clone, env, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  const ready = new Promise((resolve, reject) => {
    child.stdout.on('data', (chunk) => (output += chunk).includes('Banyan is ready') && resolve());
    child.once('exit', (code) => reject(new Error(`npm start ended with ${code}:\n${output}`)));
  });
  await ready;
  const seconds = (performance.now() - started) / 1000;
  work();
  child.kill('SIGTERM');
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`after SIGTERM npm start exited with ${code}, not 0:\n${output}`);
  return seconds;
}

function example() {
  const readme = readFileSync(join(clone, 'README.md'), 'utf8');
  const [, script] = readme.slice(readme.indexOf('<!-- example')).match(/```bash\n([\s\S]*?)```/);
  const output = run('bash', ['-c', script.replace(':3000', `:${port}`)]);
  if (!output.includes("'And in winter?'")) throw new Error(`the example printed:\n${output}`);
}

try {
  if (!isHere) {
    execFileSync('git', ['clone', '--quiet', ROOT, clone], { stdio: 'inherit' });
    run('npm', ['ci', '--no-audit', '--no-fund']);
  }
  const first = await withServer(example);
  const later = await withServer(() => {});
  console.log(
    `ready after ${first.toFixed(1)} s the first time (bar ${FIRST_START_SECONDS_MAX}), ${later.toFixed(1)} s later (bar ${LATER_START_SECONDS_MAX})`,
  );
  run('npm', ['run', '--silent', 'demo', '--', '--own']);
  console.log('the commands of the README work on a fresh clone with an empty HOME');
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  rmSync(dir, { recursive: true, force: true });
}
