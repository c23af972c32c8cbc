// Runs once before all test files: one PostgreSQL, MongoDB and Redis for the whole run, in a folder
// for temporary files.
import { chmod, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findBrowser, makeTemplate, startMongo, startPostgres, startRedis } from './stores.mjs';

export default async function globalSetup() {
  const dir = await mkdtemp(join(tmpdir(), 'banyan-test-'));
  await chmod(dir, 0o755); // as root PostgreSQL runs as another user, who must get in
  const run = { dir, stops: [], leftOut: [] };
  globalThis.banyanTestRun = run; // for global-teardown.mjs and summary-reporter.mjs, which run in this process too
  process.env.TEST_DIR = dir;
  for (const start of [startPostgres, makeTemplate, startMongo, startRedis, findBrowser]) {
    const { env = {}, stop, leftOut } = await start(dir);
    Object.assign(process.env, env); // the workers inherit it
    if (stop) run.stops.push(stop);
    if (leftOut) run.leftOut.push(leftOut);
  }
  for (const sentence of run.leftOut) console.warn(`\nLeft out: ${sentence}`);
}
