// The server that the demo talks to: one that runs, or one of its own.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Fault } from './fault.mjs';
import { paint } from './terminal.mjs';

const DEFAULT_URL = 'http://127.0.0.1:3000';
const START = fileURLToPath(new URL('../start.mjs', import.meta.url));

/** `stop` ends what this run has started; set while a server of its own is there. */
export const own = { stop: async () => {} };

/**
 * @returns {Promise<{url: string, child?: import('node:child_process').ChildProcess}>} `child` for
 * one of its own
 */
export async function findServer({ url, own: wantsOwn }) {
  if (wantsOwn) return startOwn();
  const fault = await faultOf(url ?? DEFAULT_URL);
  if (!fault) return { url: url ?? DEFAULT_URL };
  if (url)
    throw new Fault(
      `${fault}\nStart one with npm start; or name none, and the demo starts its own.`,
    );
  console.log(paint.dim(fault));
  return startOwn();
}

/** Why this server cannot be used, as a sentence; null when it can. */
async function faultOf(url) {
  try {
    const answer = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(5000) });
    const { status } = JSON.parse(await answer.text());
    if (status === 'ready' || status === 'degraded') return null;
    return status
      ? `The server at ${url} is there but says “${status}”.`
      : `What answers at ${url} is not Banyan.`;
  } catch (error) {
    return error instanceof SyntaxError
      ? `What answers at ${url} is not Banyan.`
      : `No server answers at ${url} (${reasonOf(error)}).`;
  }
}

export const reasonOf = (error) => error.cause?.code ?? error.cause?.message ?? error.message;

/**
 * As `npm start` does, but in an empty folder and without the settings of this one: the demo must
 * not write into a real database.
 */
async function startOwn() {
  console.log(paint.dim('Starting a server of its own for the demo, in a temporary folder …'));
  const dir = await mkdtemp(join(tmpdir(), 'banyan-demo-'));
  await chmod(dir, 0o755); // as root PostgreSQL runs as another user, who must get in
  const { PATH, HOME, TMPDIR, LANG } = process.env;
  // With npm_lifecycle_event the server ends by itself when its parent is gone.
  const settings = {
    PORT: '0',
    DATA_DIR: join(dir, 'data'),
    LOG_LEVEL: 'warn',
    npm_lifecycle_event: 'demo',
  };
  const env = Object.fromEntries(
    Object.entries({ PATH, HOME, TMPDIR, LANG, ...settings }).filter(
      ([, value]) => value !== undefined,
    ),
  );
  const child = spawn(process.execPath, [START], {
    cwd: dir,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  own.stop = stopper(child, dir);
  return { url: await readyUrl(child), child };
}

/** Stops the server and takes its folder away, once, however often it is called. */
function stopper(child, dir) {
  const exited = once(child, 'exit');
  let stopping;
  const stop = async () => {
    child.kill('SIGTERM');
    const late = setTimeout(() => child.kill('SIGKILL'), 15_000);
    await exited;
    clearTimeout(late);
    await rm(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  };
  return () => (stopping ??= stop());
}

/** Waits for the banner of the server. @throws Fault with its output when it ends before */
async function readyUrl(child) {
  let output = '';
  child.stderr.on('data', (chunk) => (output += chunk));
  return new Promise((resolve, reject) => {
    child.stdout.on('data', (chunk) => {
      if (String(chunk).startsWith('Buil')) process.stdout.write(paint.dim(String(chunk)));
      const [, url] = /Banyan is ready: (\S+)/.exec((output += chunk)) ?? [];
      if (url) resolve(url);
    });
    child.once('close', (code) =>
      reject(
        new Fault(
          `The demo's own server ended with ${code} before it was ready:\n${output.trim()}`,
        ),
      ),
    );
  });
}
