import { existsSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Config } from '../config/config.js';
import { findProgram } from '../config/find-program.js';
import { keptSecret } from '../config/jwt-secret.js';
import { type EmbeddedMongo, MONGO_FOLDER, startEmbeddedMongo } from './embedded-mongo.js';
import { startEmbeddedPostgres } from './embedded-postgres.js';

/** Where a start tells what it does. */
export interface StartReport {
  /** A sentence for the person at the terminal. */
  say: (sentence: string) => void;
  /** A line for the log, from a server or its supervisor. */
  log: (line: string) => void;
}

export interface Stores {
  /** The settings, with the addresses of what was started. */
  config: Config & { DATABASE_URL: string };
  /** Stops what was started, the words first. */
  stop(): Promise<void>;
}

/**
 * Starts the databases that no setting names, and completes the settings: DATABASE_URL,
 * MONGODB_URI, JWT_SECRET.
 * @throws Error in plain words with the mend; nothing runs then
 */
export async function startStores(config: Config, told: StartReport): Promise<Stores> {
  if (config.DATABASE_URL)
    return { config: { ...config, DATABASE_URL: config.DATABASE_URL }, stop: async () => {} };
  try {
    return await startEmbedded(config, told);
  } catch (error) {
    throw unwritable(error as Error, config.DATA_DIR) ?? error;
  }
}

/** What systems say of a folder that nothing can be written to, and the mend. */
const UNWRITABLE: readonly (readonly [RegExp, string])[] = [
  [/ENOSPC|EDQUOT|No space left|quota exceeded/i, 'its disk is full. Make room there'],
  [/EROFS|Read-only file system/i, 'its file system is read-only. Mount it for writing'],
  [/EACCES|EPERM/, 'this user may not write there. Give the user the folder'],
];

/** Null for errors of other kinds. */
function unwritable(error: Error, dataDir: string): Error | null {
  const [, mend] = UNWRITABLE.find(([said]) => said.test(error.message)) ?? [];
  if (!mend || error.message.includes('DATA_DIR')) return null;
  return new Error(
    `DATA_DIR (${resolve(dataDir)}) cannot be written: ${mend}, or set DATA_DIR to another folder. (${error.message})`,
    {
      cause: error,
    },
  );
}

async function startEmbedded(config: Config, told: StartReport): Promise<Stores> {
  const { DATA_DIR: dataDir } = config;
  const started = performance.now();
  const onFirstStart = () => told.say(`Starting PostgreSQL (first start: creating ${dataDir}) …`);
  const postgres = await startEmbeddedPostgres({ dataDir, log: told.log, onFirstStart });
  told.say(`PostgreSQL is ready (${Math.round(performance.now() - started)} ms)`);
  try {
    const mongo = config.MONGODB_URI
      ? undefined
      : await startMongo(dataDir, postgres.firstStart, told);
    const complete = {
      ...config,
      DATABASE_URL: postgres.url,
      MONGODB_URI: mongo?.uri ?? config.MONGODB_URI,
      // Made after the folder was claimed, so that two first starts at once cannot make two.
      JWT_SECRET: config.JWT_SECRET ?? (config.JWKS_URI ? undefined : keptSecret(dataDir)),
      embedded: { postgres: true, content: mongo !== undefined },
    };
    return {
      config: complete,
      stop: async () => void (await mongo?.stop(), await postgres.stop()),
    };
  } catch (error) {
    await postgres.stop();
    throw error;
  }
}

/**
 * The words of a data folder stay where its first start put them: a mongod that was installed later
 * must not hide those in PostgreSQL, and one that was removed must not hide those in MongoDB.
 */
async function startMongo(
  dataDir: string,
  firstStart: boolean,
  { say, log }: StartReport,
): Promise<EmbeddedMongo | undefined> {
  const folder = join(dataDir, MONGO_FOLDER);
  const inUse = existsSync(folder);
  const program = inUse || firstStart ? findProgram('mongod') : undefined;
  if (!program && inUse)
    throw new Error(
      `The words of ${dataDir} are in MongoDB (${folder}), and there is no mongod on the PATH. Install it again, or set MONGODB_URI.`,
    );
  if (!program) return undefined;
  say(`Starting MongoDB (${program}) …`);
  try {
    return await startEmbeddedMongo({ program, dataDir, log });
  } catch (error) {
    if (inUse) throw error;
    rmSync(folder, { recursive: true, force: true });
    say(`MongoDB did not start, so the words are kept in PostgreSQL. ${(error as Error).message}`);
    return undefined;
  }
}
