// Builds the folders of the image by the steps of the Dockerfile itself, in an empty folder and
// with the Node of the image, and starts what comes out. For machines without a Docker engine; what
// only an engine does (users, read-only folders, networks) is not looked at. Exits 1 where it
// fails.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '../test/support/stores.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** What `node:24-slim` has; npm brings the same binary. */
const NODE = 'node@24.21.0';
const READY_SECONDS_MAX = 60;

const dir = mkdtempSync(join(tmpdir(), 'banyan-image-'));
chmodSync(dir, 0o755); // PostgreSQL runs as another user
const bin = join(dir, 'node/node_modules/.bin');
const env = {
  ...process.env,
  PATH: `${join(dir, 'shims')}:${bin}:${process.env.PATH}`,
  HOME: join(dir, 'home'),
  // Packages are what the lock file says, wherever they come from: none is fetched twice.
  npm_config_cache: execFileSync('npm', ['config', 'get', 'cache'], { encoding: 'utf8' }).trim(),
  npm_config_prefer_offline: 'true',
};
// A setting of this shell must not be what is tested.
for (const name of ['DATABASE_URL', 'MONGODB_URI', 'REDIS_URL', 'JWT_SECRET']) delete env[name];

/**
 * The instructions of the Dockerfile: name, and what stands behind it. Lines that end with a
 * backslash go on.
 */
const instructions = readFileSync(join(ROOT, 'Dockerfile'), 'utf8')
  .replaceAll(/\\\n\s*/g, '')
  .split('\n')
  .filter((line) => /^[A-Z]+ /.test(line))
  .map((line) => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1).trim()]);

/**
 * Whether the .dockerignore lets a file through; the last pattern that matches it, or a folder
 * above it, decides.
 */
function isSent(path, patterns) {
  const [last] = patterns.filter(({ regex }) => regex.test(path)).slice(-1);
  return !last || last.lets;
}

function patternsOf(text) {
  const lines = text.split('\n').filter((line) => line && !line.startsWith('#'));
  return lines.map((line) => {
    const glob = line
      .replace(/^!/, '')
      .replaceAll('.', '\\.')
      .replaceAll('**/', '\0')
      .replaceAll('*', '[^/]*')
      .replaceAll('\0', '(.*/)?');
    return { lets: line.startsWith('!'), regex: new RegExp(`^${glob}(/.*)?$`) };
  });
}

/** What Docker would be sent: the committed files that .dockerignore does not hold back. */
function makeContext() {
  const context = join(dir, 'context');
  const patterns = patternsOf(readFileSync(join(ROOT, '.dockerignore'), 'utf8'));
  const files = execFileSync('git', ['ls-files', '-z'], { cwd: ROOT, encoding: 'utf8' })
    .split('\0')
    .filter(Boolean);
  for (const file of files.filter(
    (path) => isSent(path, patterns) && existsSync(join(ROOT, path)),
  )) {
    mkdirSync(dirname(join(context, file)), { recursive: true });
    cpSync(join(ROOT, file), join(context, file));
  }
  return context;
}

const INSTALLED = 'node_modules/.package-lock.json';

/**
 * Whether what is installed here is all that a folder's lock file names: with `--share-packages`
 * it is not installed once more. That `npm ci` makes it from that file anew is the first
 * thing that .ci/run looks at.
 */
function hasPackagesOf(folder) {
  if (!process.argv.includes('--share-packages') || !existsSync(join(ROOT, INSTALLED)))
    return false;
  const packagesIn = (path) => JSON.parse(readFileSync(path, 'utf8')).packages;
  const here = packagesIn(join(ROOT, INSTALLED));
  return Object.entries(packagesIn(join(folder, 'package-lock.json'))).every(
    ([path, { version, optional }]) => !path || optional || here[path]?.version === version,
  );
}

/**
 * As hard links, where both are on one disk: the steps behind it add files and remove some, and
 * write into none.
 */
function linkPackages(folder) {
  const copy = 'cp -al "$0" . 2>/dev/null || { rm -rf node_modules; cp -a "$0" .; }';
  execFileSync('sh', ['-ec', copy, join(ROOT, 'node_modules')], { cwd: folder });
  rmSync(join(folder, 'node_modules/.cache'), { recursive: true, force: true });
  rmSync(join(folder, INSTALLED));
  cpSync(join(ROOT, INSTALLED), join(folder, INSTALLED));
  console.log('    (the packages that are installed here)');
}

const STEPS = {
  FROM: (image, words) => {
    const [, , name = 'last'] = words.split(' ');
    image.stage = join(dir, 'stages', name);
    image.at = '';
    mkdirSync(image.stage, { recursive: true });
  },
  WORKDIR: (image, path) => {
    image.at = path;
    mkdirSync(join(image.stage, path), { recursive: true });
  },
  COPY: (image, words) => {
    const [, from] = /--from=(\S+)/.exec(words) ?? [];
    const paths = words.split(' ').filter((word) => !word.startsWith('--'));
    const to = join(image.stage, image.at, paths.at(-1));
    const source = from ? join(dir, 'stages', from) : image.context;
    for (const path of paths.slice(0, -1)) {
      const at = join(source, path);
      // A folder is copied by what is in it, a file into a folder that is named by its slash.
      const intoFolder = !statSync(at).isDirectory() && paths.at(-1).endsWith('/');
      cpSync(at, intoFolder ? join(to, basename(path)) : to, {
        recursive: true,
        verbatimSymlinks: true,
      });
    }
  },
  RUN: (image, command) => {
    const cwd = join(image.stage, image.at);
    if (command.startsWith('npm ci') && hasPackagesOf(cwd)) return linkPackages(cwd);
    execFileSync('sh', ['-ec', command], { cwd, env, stdio: ['ignore', 'ignore', 'inherit'] });
  },
  ENV: (image, words) => {
    for (const [, name, value] of words.matchAll(/(\S+?)=(\S*)/g))
      image.env[name] = value.startsWith('$') ? '' : value;
  },
  CMD: (image, words) => (image.command = JSON.parse(words)),
  HEALTHCHECK: (image, words) => (image.check = JSON.parse(words.slice(words.indexOf('CMD ') + 4))),
};

function build() {
  const image = { context: makeContext(), stage: '', at: '', env: {}, command: [], check: [] };
  for (const [name, words] of instructions) {
    console.log(`  ${name} ${words.length > 100 ? `${words.slice(0, 100)}…` : words}`);
    STEPS[name]?.(image, words);
  }
  return { ...image, root: join(image.stage, image.at) };
}

/** Starts it as `docker run` does: by itself, with a PostgreSQL of its own in the volume. */
async function startAndLook({ root, command, check, env: own }) {
  const port = await freePort();
  const given = {
    ...env,
    ...own,
    PORT: String(port),
    DATA_DIR: join(dir, 'volume'),
    REGISTRATION: 'open',
    LOG_LEVEL: 'warn',
  };
  const [file, ...args] = command;
  const server = spawn(file, args, {
    cwd: root,
    env: given,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const isHealthy = () =>
    spawnSync(check[0], check.slice(1), { cwd: root, env: given }).status === 0;
  for (const deadline = Date.now() + READY_SECONDS_MAX * 1000; !isHealthy(); await sleep(250)) {
    if (server.exitCode !== null || Date.now() > deadline)
      throw (server.kill('SIGKILL'), new Error('the image did not become healthy'));
  }
  const { ok } = await fetch(`http://127.0.0.1:${port}/docs/errors`);
  if (!ok) throw new Error('/docs/errors is not in the image');
  server.kill('SIGTERM');
  const [code] = await once(server, 'exit');
  if (code !== 0) throw new Error(`after SIGTERM it exited with ${code}`);
}

function lookAt(root) {
  const unwanted = ['node_modules/jest', 'node_modules/eslint', 'src', 'test', '.env'].filter(
    (path) => existsSync(join(root, path)),
  );
  if (unwanted.length > 0)
    throw new Error(`the image has what it should not have: ${unwanted.join(', ')}`);
}

try {
  mkdirSync(join(dir, 'shims'), { recursive: true });
  mkdirSync(env.HOME);
  // The users of the image are not those of this machine.
  writeFileSync(join(dir, 'shims/chown'), '#!/bin/sh\nexit 0\n', { mode: 0o755 });
  execFileSync(
    'npm',
    ['install', '--prefix', join(dir, 'node'), '--no-audit', '--no-fund', '--silent', NODE],
    { stdio: 'inherit' },
  );
  console.log(
    `the steps of the Dockerfile, with node ${execFileSync(join(bin, 'node'), ['--version'], { encoding: 'utf8' }).trim()}:`,
  );
  const image = build();
  lookAt(image.root);
  await startAndLook(image);
  console.log(
    'the folders of the image are as the Dockerfile says, and the server in them becomes healthy and stops',
  );
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  rmSync(dir, { recursive: true, force: true });
}
