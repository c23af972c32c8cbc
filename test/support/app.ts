import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Client } from 'pg';
import { undisturbed } from './machine-clock.js';

/** A server in this process on a database of its own. */
export interface TestApp {
  app: NestFastifyApplication;
  /** `http://127.0.0.1:<port>` */
  url: string;
  databaseUrl: string;
  close(): Promise<void>;
}

export type Mode = 'postgres' | 'mongo';

/**
 * Where the words can be kept in this run: MongoDB only where the run found one
 * (`test/support/stores.mjs` says so when it did not).
 */
export const MODES: Mode[] = process.env.TEST_MONGODB_URI ? ['postgres', 'mongo'] : ['postgres'];

export const SETTINGS = {
  JWT_SECRET: 'Kx0-tests-only-7f3a91c2be5d4c60a8e1d2f3b4c5',
  RATE_LIMIT_PER_MINUTE: '0',
  RATE_LIMIT_AUTH_PER_MINUTE: '0',
  RATE_LIMIT_STRANGERS_PER_MINUTE: '0',
  RATE_LIMIT_PASSWORD_PER_MINUTE: '0',
  PASSWORD_BLOCKLIST: 'off',
  LOG_LEVEL: process.env.TEST_LOG_LEVEL ?? 'error',
  PORT: '0',
};

let databases = 0;

/**
 * A database without rows: a copy of the migrated one of this run (`stores.mjs`), or one that
 * whoever opens it has to migrate.
 */
export async function createDatabase({ migrated = true } = {}): Promise<string> {
  const admin = process.env.TEST_DATABASE_URL!;
  const name = `t_${process.pid}_${Date.now().toString(36)}_${databases++}`;
  await withClient(admin, (client) =>
    client.query(
      `CREATE DATABASE ${name} TEMPLATE ${(migrated && process.env.TEST_TEMPLATE) || 'template1'} STRATEGY WAL_LOG`,
    ),
  );
  const url = new URL(admin);
  url.pathname = `/${name}`;
  return url.href;
}

export async function withClient<Result>(
  url: string,
  work: (client: Client) => Promise<Result>,
): Promise<Result> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** A MongoDB database with the name of the PostgreSQL one. */
export function mongoUriFor(databaseUrl: string): string {
  const uri = new URL(process.env.TEST_MONGODB_URI!);
  uri.pathname = new URL(databaseUrl).pathname;
  return uri.href;
}

/**
 * Starts a server; `settings` go over `SETTINGS`. With `databaseUrl` it is a further instance on
 * that database. Its housekeeping is not done by itself: half a minute after the start it would do
 * what a test is about to do or to count.
 */
export async function startTestApp(
  mode: Mode = 'postgres',
  settings: Record<string, string> = {},
  databaseUrl?: string,
): Promise<TestApp> {
  const url = databaseUrl ?? (await createDatabase());
  const { loadConfig } = await import('../../src/config/config.js');
  const { createApp } = await import('../../src/app.setup.js');
  const { JobRunner } = await import('../../src/modules/maintenance/job-runner.js');
  const mongo: Record<string, string> = mode === 'mongo' ? { MONGODB_URI: mongoUriFor(url) } : {};
  const config = loadConfig({ ...SETTINGS, DATABASE_URL: url, ...mongo, ...settings });
  // A connection is waited for two seconds.
  const app = await undisturbed(() =>
    createApp(config as typeof config & { DATABASE_URL: string }),
  );
  await app.get(JobRunner, { strict: false }).stop();
  await app.listen(0, '127.0.0.1');
  const started: TestApp = {
    ...{ app, url: await app.getUrl(), databaseUrl: url },
    close: async () => {
      const { app: ended } = started;
      // Node keeps the modules of tests for good, and what a variable of them holds.
      started.app = undefined as never;
      await ended?.close();
    },
  };
  return started;
}
