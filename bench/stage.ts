import { type ChildProcess, fork } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { startEmbeddedPostgres } from '../src/database/embedded-postgres.js';
import { cpuOf, cpuOfFamily, parentOf } from './cpu.js';
import { Line, requestOf } from './load.js';
import type { Options } from './options.js';

/** Connections to PostgreSQL that each server may hold. */
const POOL_SIZE = 8;
const START_TIMEOUT_MS = 30_000;

/** One server process. */
export interface Server {
  port: number;
  pid: number;
}

/** Everything that is running, and whom the requests come from. */
export interface Stage {
  databaseUrl: string;
  /** For checks and counts; no load runs on it. */
  sql: Client;
  banyan: Server;
  peer: Server;
  ping: Server;
  accountId: string;
  token: string;
  /**
   * Whose chats the peers append to: what they write is not for Banyan to make findable, on its own
   * time.
   */
  peerAccountId: string;
  /** CPU microseconds that a server, and PostgreSQL as a whole, have used so far. */
  cpu: { of: (server: Server) => number; database: () => number };
}

/** Opens the stage, lets `play` use it, and clears everything away again. */
export async function withStage<Result>(
  options: Options,
  play: (stage: Stage) => Promise<Result>,
): Promise<Result> {
  const cleanup: (() => unknown)[] = [];
  const folder = mkdtempSync(join(tmpdir(), 'banyan-bench-'));
  chmodSync(folder, 0o755);
  cleanup.push(() => rmSync(folder, { recursive: true, force: true }));
  try {
    // fsync, full_page_writes and synchronous_commit are on. Buffers are those of a server that is
    // for this, or what the bench has just filled would be written while it measures.
    const postgres = await startEmbeddedPostgres({
      dataDir: join(folder, 'data'),
      settings: { shared_buffers: '1GB' },
    });
    cleanup.push(() => postgres.stop());
    return await play(await openStage(options, postgres.url, cleanup));
  } finally {
    for (const undo of cleanup.reverse()) await undo();
  }
}

async function openStage(
  { profile }: Options,
  databaseUrl: string,
  cleanup: (() => unknown)[],
): Promise<Stage> {
  const start = async (
    file: string,
    env: Record<string, string> = {},
    execArgv: string[] = [],
  ): Promise<Server> => {
    const child = forkServer(
      file,
      { DATABASE_URL: databaseUrl, DATABASE_POOL_SIZE: String(POOL_SIZE), ...env },
      execArgv,
    );
    cleanup.push(() => endOf(child));
    return { port: await portOf(child), pid: child.pid! };
  };
  const banyan = await start(
    'servers/banyan.js',
    SETTINGS,
    profile ? ['--cpu-prof', `--cpu-prof-dir=${profile}`] : [],
  );
  const { token, accountId } = await register(banyan, 'bench@example.org');
  const { accountId: peerAccountId } = await register(banyan, 'peers@example.org');
  const peer = await start('peers/fastify-pg.js', {
    ACCOUNT_ID: accountId,
    APPENDS_FOR: peerAccountId,
  });
  const ping = await start('peers/node-http.js');
  const sql = new Client({ connectionString: databaseUrl });
  await sql.connect();
  cleanup.push(() => sql.end());
  const { rows } = await sql.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  const postmaster = parentOf(rows[0]!.pid);
  return {
    databaseUrl,
    sql,
    banyan,
    peer,
    ping,
    accountId,
    token,
    peerAccountId,
    cpu: { of: ({ pid }) => cpuOf(pid), database: () => cpuOfFamily(postmaster) },
  };
}

/** Lets `work` use a further Banyan on the same database. */
export async function withBanyan<Result>(
  { databaseUrl }: Stage,
  settings: Record<string, string>,
  work: (server: Server) => Promise<Result>,
): Promise<Result> {
  const child = forkServer(
    'servers/banyan.js',
    { DATABASE_URL: databaseUrl, DATABASE_POOL_SIZE: String(POOL_SIZE), ...SETTINGS, ...settings },
    [],
  );
  try {
    return await work({ port: await portOf(child), pid: child.pid! });
  } finally {
    await endOf(child);
  }
}

/**
 * What differs from a user's server: no limits of requests, and a token that lasts as long as the
 * bench.
 */
const SETTINGS = {
  JWT_SECRET: 'Kx0-bench-only-7f3a91c2be5d4c60a8e1d2f3b4c5',
  ACCESS_TOKEN_TTL_SECONDS: '86400',
  RATE_LIMIT_PER_MINUTE: '0',
  RATE_LIMIT_AUTH_PER_MINUTE: '0',
  PASSWORD_BLOCKLIST: 'off',
};

function forkServer(file: string, env: Record<string, string>, execArgv: string[]): ChildProcess {
  const path = fileURLToPath(new URL(file, import.meta.url));
  const { PATH = '', HOME = '/' } = process.env;
  // A folder without an .env of somebody's.
  return fork(path, {
    env: { PATH, HOME, NODE_ENV: 'production', ...env },
    execArgv,
    cwd: tmpdir(),
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
}

function portOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(
      () => reject(new Error('A server of the bench did not start in time.')),
      START_TIMEOUT_MS,
    );
    child.once('message', ({ port }: { port: number }) => (clearTimeout(late), resolve(port)));
    child.once(
      'exit',
      (code) => (
        clearTimeout(late),
        reject(new Error(`A server of the bench ended with code ${code}.`))
      ),
    );
  });
}

function endOf(child: ChildProcess): Promise<unknown> {
  if (child.exitCode !== null) return Promise.resolve();
  const ended = new Promise((resolve) => child.once('exit', resolve));
  if (child.connected) child.disconnect();
  return ended;
}

async function register(
  { port }: Server,
  email: string,
): Promise<{ token: string; accountId: string }> {
  const line = await Line.open(port);
  const body = JSON.stringify({ email, password: 'a password of the bench' });
  const answer = await line.send(requestOf('POST', '/api/v1/auth/register', { body }));
  line.close();
  if (answer.status !== 201) throw new Error(`register answered ${answer.status}: ${answer.text}`);
  return { token: answer.json.access_token, accountId: answer.json.account.account_id };
}
