import { rm } from 'node:fs/promises';

/**
 * Stops what global-setup.mjs started. When this is never reached (kill -9), the servers end with
 * the process all the same.
 */
export default async function globalTeardown() {
  const { dir, stops } = globalThis.banyanTestRun;
  await Promise.all(stops.map((stop) => stop()));
  await rm(dir, { recursive: true, force: true });
}
