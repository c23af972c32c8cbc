import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../config/config.js';
import { socketDirFor } from '../database/embedded-folders.js';
import { MONGO_FOLDER } from '../database/embedded-mongo.js';
import { startTimeOf } from '../database/embedded-process.js';
import { type Stores, startStores } from '../database/embedded-stores.js';
import { StoreClient } from '../database/store-client.js';

const RECOVERY_MS = 10_000;

/** The stores that the server keeps in DATA_DIR. */
export interface EmbeddedStores extends Stores {
  /** True when a server was at work on them already. */
  serverRuns: boolean;
}

/**
 * Finds the databases of DATA_DIR: those of a running server at their sockets, else they are
 * started, and stopped again by `stop`.
 * @throws Error when there are none, or they cannot be started; nothing is ever made here.
 */
export async function findEmbedded(config: Config): Promise<EmbeddedStores> {
  const { DATA_DIR } = config;
  if (!existsSync(join(DATA_DIR, 'postgres'))) {
    throw new Error(
      `There is no database in ${DATA_DIR}. Set DATA_DIR or DATABASE_URL to that of the server.`,
    );
  }
  const dataDir = realpathSync(DATA_DIR);
  if (isServed(dataDir)) {
    const url = postgresAt(dataDir);
    await untilItAnswers(url, dataDir);
    const complete = {
      ...config,
      DATABASE_URL: url,
      MONGODB_URI: config.MONGODB_URI ?? mongoAt(dataDir),
    };
    return { config: complete, serverRuns: true, stop: async () => {} };
  }
  const quiet = { say: () => {}, log: () => {} };
  return { ...(await startStores(config, quiet)), serverRuns: false };
}

/** The address that `embedded-cluster.ts` gives to the server of this folder. */
const postgresAt = (dataDir: string): string =>
  `postgres://postgres@localhost:5432/banyan?host=${encodeURIComponent(socketDirFor(dataDir, 'run'))}&sslmode=disable`;

/** The address that `embedded-mongo.ts` gives to the mongod of this folder, if it has one. */
function mongoAt(dataDir: string): string | undefined {
  if (!existsSync(join(dataDir, MONGO_FOLDER))) return undefined;
  const socket = join(socketDirFor(dataDir, 'run-mongo'), 'banyan.sock');
  return `mongodb://${encodeURIComponent(socket)}/banyan?directConnection=true&retryWrites=false`;
}

/**
 * Whether the process that claimed the folder lives (`embedded-owner.ts`). Its databases may
 * outlive a killed one by a moment.
 */
function isServed(dataDir: string): boolean {
  const file = join(dataDir, 'banyan.pid');
  if (!existsSync(file)) return false;
  const [pid, ...startTime] = readFileSync(file, 'utf8').trim().split(' ');
  const started = startTimeOf(Number(pid));
  return started !== undefined && started === startTime.join(' ');
}

/** A server that has just been started may be recovering still. */
async function untilItAnswers(url: string, dataDir: string): Promise<void> {
  for (const deadline = Date.now() + RECOVERY_MS; !(await answers(url)); await sleep(200)) {
    if (Date.now() > deadline)
      throw new Error(
        `The server of ${dataDir} runs, but its PostgreSQL does not answer this user.`,
      );
  }
}

async function answers(url: string): Promise<boolean> {
  const client = new StoreClient({ connectionString: url, connectionTimeoutMillis: 5000 });
  try {
    await client.connect();
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => {});
  }
}
