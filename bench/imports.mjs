// node bench/imports.mjs [MB] [FLAG…]: an export of ChatGPT of so many MB (230), made while it is sent, through
// a whole server with its own PostgreSQL. Tells the most memory that the server's process had, and
// what it had before. Flags are those of Node, for the server.
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { buildIfStale } from '../scripts/build-if-stale.mjs';
import { inFolder, startServer } from '../scripts/started-server.mjs';
import { pieces } from '../test/support/export-maker.mjs';

const MB = Number(process.argv[2] ?? 230);
const FLAGS = process.argv.slice(3).join(' ');
const LOOK_MS = 250;

/** Of the server's process alone, in MB; PostgreSQL has its own. */
const memoryOf = (pid, what) => {
  const [, kib] = new RegExp(`${what}:\\s+(\\d+) kB`).exec(
    readFileSync(`/proc/${pid}/status`, 'utf8'),
  );
  return (Number(kib) * 1024) / 1e6;
};

async function tokenOf(url) {
  const person = { email: 'bench@example.org', password: 'a password of the bench' };
  const answer = await fetch(`${url}/api/v1/auth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(person),
  });
  return (await answer.json()).access_token;
}

/** Answers the import as it was taken. */
async function send(url, authorization, told) {
  const headers = { authorization, 'content-type': 'application/json' };
  const sent = request(`${url}/api/v1/imports`, { method: 'POST', headers });
  const answered = new Promise((resolve, reject) => {
    sent.on('error', reject).on('response', async (answer) => {
      const text = Buffer.concat(await answer.toArray()).toString();
      if (answer.statusCode === 202 || answer.statusCode === 201) resolve(JSON.parse(text));
      else reject(new Error(`import answered ${answer.statusCode}: ${text}`));
    });
  });
  await pipeline(Readable.from(pieces(MB, told)), sent);
  return answered;
}

await buildIfStale();
await inFolder(async (dir) => {
  const settings = { PASSWORD_BLOCKLIST: 'off', RATE_LIMIT_PER_MINUTE: '0', NODE_OPTIONS: FLAGS };
  const server = await startServer(dir, settings);
  try {
    const authorization = `Bearer ${await tokenOf(server.url)}`;
    const before = memoryOf(server.pid, 'VmRSS');
    const started = performance.now();
    const told = { bytes: 0 };
    let state = await send(server.url, authorization, told);
    const sentS = (performance.now() - started) / 1000;
    const sentMb = memoryOf(server.pid, 'VmHWM');
    for (; !state.ended_at; await sleep(LOOK_MS)) {
      const path = `/api/v1/imports/${state.import_id}`;
      state = await (await fetch(server.url + path, { headers: { authorization } })).json();
    }
    console.log(
      JSON.stringify({
        ...{ mb: told.bytes / 1e6, before, sentMb, peakMb: memoryOf(server.pid, 'VmHWM') },
        ...{ sentS, tookS: (performance.now() - started) / 1000, status: state.status },
        report: state.report,
      }),
    );
  } finally {
    await server.stop();
  }
});
