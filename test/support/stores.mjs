// Starts the databases of a test run. Each function answers { env, stop }, or { leftOut } with the
// sentence that says what is not tested and why.
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const dist = (path) => import(new URL(`../../dist/src/${path}`, import.meta.url).href);
const nothing = async () => {};

/**
 * PostgreSQL without fsync: the tests of the crash suite start servers of their own, with it. And
 * without autovacuum, whose snapshots and new plans would move what tests count, and which would
 * look at some hundred databases all the time. TEST_DATABASE_URL is the address of a superuser.
 */
export async function startPostgres(dir) {
  if (process.env.TEST_DATABASE_URL) return { env: {}, stop: nothing };
  if (!existsSync(new URL('../../dist/src/database/embedded-postgres.js', import.meta.url))) {
    throw new Error(
      'Banyan is not built. Run: npm test (which builds), or node scripts/build-if-stale.mjs',
    );
  }
  const { startEmbeddedPostgres } = await dist('database/embedded-postgres.js');
  const settings = {
    fsync: 'off',
    full_page_writes: 'off',
    synchronous_commit: 'off',
    max_connections: '300',
    autovacuum: 'off',
    // It saves a disk that is waited for, and takes a tenth of PostgreSQL's time here.
    wal_compression: 'off',
  };
  const { url, stop } = await startEmbeddedPostgres({ dataDir: join(dir, 'postgres'), settings });
  return { env: { TEST_DATABASE_URL: url }, stop };
}

/**
 * A migrated database, which each test file copies instead of migrating its own: TEST_TEMPLATE is
 * its name. Migrations that it lacks (the build is older than the sources) are run by whoever opens
 * a copy.
 */
export async function makeTemplate() {
  const name = `t_template_${process.pid}_${Date.now().toString(36)}`;
  const url = new URL(process.env.TEST_DATABASE_URL);
  const { Client } = await import('pg').then((pg) => pg.default);
  const admin = new Client({ connectionString: url.href });
  await admin.connect();
  await admin.query(`CREATE DATABASE ${name} STRATEGY WAL_LOG`);
  url.pathname = `/${name}`;
  const [{ migrate }, { dataSourceOptions }] = await Promise.all([
    dist('database/migrate.js'),
    dist('data-source.js'),
  ]);
  await migrate(dataSourceOptions(url.href));
  await admin.end();
  return { env: { TEST_TEMPLATE: name } };
}

/** TEST_MONGODB_URI, else a mongod on the PATH. */
export async function startMongo(dir) {
  if (process.env.TEST_MONGODB_URI) return { env: {}, stop: nothing };
  const { findProgram } = await dist('config/find-program.js');
  const program = findProgram('mongod');
  if (!program) {
    return {
      leftOut:
        'MongoDB: TEST_MONGODB_URI is not set and there is no mongod on the PATH. The words were tested in PostgreSQL only.',
    };
  }
  const { startEmbeddedMongo } = await dist('database/embedded-mongo.js');
  const { uri, stop } = await startEmbeddedMongo({ program, dataDir: join(dir, 'mongo') });
  return { env: { TEST_MONGODB_URI: uri }, stop };
}

/** TEST_BROWSER, else a Chromium on the PATH. */
export async function findBrowser() {
  if (process.env.TEST_BROWSER) return { env: {} };
  const { findProgram } = await dist('config/find-program.js');
  const [program] = ['chromium', 'chromium-browser', 'google-chrome']
    .map((name) => findProgram(name))
    .filter(Boolean);
  return program
    ? { env: { TEST_BROWSER: program } }
    : {
        leftOut:
          'the page in a browser: TEST_BROWSER is not set and there is no chromium on the PATH.',
      };
}

/**
 * TEST_REDIS_URL, else a redis-server on the PATH. TEST_REDIS_SERVER is its path, for tests that
 * kill their own.
 */
export async function startRedis(dir) {
  const { findProgram } = await dist('config/find-program.js');
  const program = findProgram('redis-server');
  const server = program ? { TEST_REDIS_SERVER: program } : {};
  if (process.env.TEST_REDIS_URL) return { env: server, stop: nothing };
  if (!program)
    return {
      leftOut:
        'Redis: TEST_REDIS_URL is not set and there is no redis-server on the PATH. Sessions and events were tested in memory only.',
    };
  const { spawnWatched, stopWatched } = await dist('database/embedded-process.js');
  const port = await freePort();
  const folder = join(dir, 'redis');
  await mkdir(folder);
  const args = [
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--save',
    '',
    '--appendonly',
    'no',
    '--dir',
    folder,
  ];
  const child = spawnWatched({ file: program, args, cwd: folder, runAs: { prefix: [] } });
  await untilItListens(port);
  return {
    env: { ...server, TEST_REDIS_URL: `redis://127.0.0.1:${port}` },
    stop: () => stopWatched(child),
  };
}

/** Workers of jest draw from lanes of their own: a port may have nobody on it for a while. */
const LANES = 8;
const lane = Number(process.env.JEST_WORKER_ID ?? 0) % LANES;
const drawn = new Set();

/**
 * A free port below 32768: above, the kernel may give it to an outgoing connection before it is
 * used, or while the server that had it is dead.
 */
export async function freePort() {
  for (;;) {
    const port = 20_000 + LANES * Math.floor((Math.random() * 12_000) / LANES) + lane;
    if (drawn.has(port) || !(await canListen(port))) continue;
    drawn.add(port);
    return port;
  }
}

const canListen = (port) =>
  new Promise((resolve) => {
    const server = createServer().once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });

async function untilItListens(port) {
  for (const deadline = Date.now() + 10_000; !(await accepts(port)); await sleep(20)) {
    if (Date.now() > deadline)
      throw new Error(`redis-server did not listen on port ${port} within 10 s`);
  }
}

const accepts = (port) =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => (socket.destroy(), resolve(true)));
    socket.once('error', () => resolve(false));
  });
