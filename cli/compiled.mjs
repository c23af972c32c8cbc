import { existsSync } from 'node:fs';

const FILES = { start: '../dist/server/main.mjs', fsck: '../dist/server/fsck.mjs' };
const SCRIPTS = { start: '../scripts/start.mjs', fsck: '../scripts/fsck.mjs' };

/** Runs a program of the server in this process, with the arguments that were left for it. */
export async function runCompiled(name, args) {
  const script = new URL(SCRIPTS[name], import.meta.url);
  // A checkout builds what is stale; an image has the compiled server alone.
  const file = existsSync(script) ? script : new URL(FILES[name], import.meta.url);
  process.argv = [process.argv[0], file.pathname, ...args];
  await import(file.href);
}

/** A module of the compiled server; in a checkout it is built first. */
export async function compiled(path) {
  const build = new URL('../scripts/build-if-stale.mjs', import.meta.url);
  if (existsSync(build)) {
    const { log } = console;
    console.log = console.error;
    await (await import(build.href)).buildIfStale();
    console.log = log;
  }
  return import(new URL(`../dist/src/${path}`, import.meta.url).href);
}
