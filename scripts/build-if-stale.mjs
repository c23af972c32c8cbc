// Builds dist/ when the sources changed after the last build. Used by npm start and npm test;
// alone: node scripts/build-if-stale.mjs, and npm run build, which builds --always.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const STAMP = join(ROOT, 'dist/.sources');
const SOURCES = [
  'src',
  'migrations',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'tsconfig.build.json',
  'nest-cli.json',
  'rolldown.config.mjs',
  'web',
];
const NEST = join(ROOT, 'node_modules/@nestjs/cli/bin/nest.js');
const VITE = join(ROOT, 'node_modules/vite/bin/vite.js');
const ROLLDOWN = join(ROOT, 'node_modules/rolldown/bin/cli.mjs');

/**
 * Names, sizes and times of all sources as one hash. A hash and not "newer than": a file that was
 * removed or checked out with an old time counts as a change too.
 */
function fingerprint() {
  const hash = createHash('sha256');
  const visit = (path) => {
    const stat = statSync(join(ROOT, path), { throwIfNoEntry: false });
    if (stat?.isDirectory())
      for (const name of readdirSync(join(ROOT, path)).sort()) visit(join(path, name));
    else if (stat && !path.endsWith('.spec.ts'))
      hash.update(`${path}\0${stat.size}\0${stat.mtimeMs}\n`);
  };
  SOURCES.forEach(visit);
  return hash.digest('hex');
}

/** Whether `dist` was built from the sources as they are now. */
export const isBuilt = (now = fingerprint()) =>
  existsSync(STAMP) && readFileSync(STAMP, 'utf8') === now;

/**
 * @throws Error with the mend when it cannot be built; the compiler has printed its errors by then.
 */
export async function buildIfStale() {
  if (!existsSync(join(ROOT, 'src'))) return; // an image that ships dist alone
  const now = fingerprint();
  if (!isBuilt(now)) await build(now);
}

async function build(now) {
  if (!existsSync(NEST))
    throw new Error('Banyan is not built, and the compiler is not installed. Run: npm ci');
  const started = performance.now();
  console.log('Building (first start, or the sources changed) …');
  rmSync(join(ROOT, 'dist'), { recursive: true, force: true });
  await Promise.all([server(), run([VITE, 'build', '--logLevel', 'warn', 'web'])]);
  writeFileSync(STAMP, now);
  console.log(`Built in ${((performance.now() - started) / 1000).toFixed(1)} s`);
}

async function server() {
  await run([NEST, 'build']);
  // What it made it tells to stdout, and faults to stderr.
  await run([ROLLDOWN, '-c'], 'ignore');
}

async function run(args, stdout = 'inherit') {
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    stdio: ['ignore', stdout, 'inherit'],
  });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error('The build failed; the compiler says why above.');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const always = process.argv.includes('--always');
  await (always ? build(fingerprint()) : buildIfStale()).catch((error) => {
    console.error(error.message);
    process.exit(1);
  });
}
