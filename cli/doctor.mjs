import { createConnection, createServer } from 'node:net';
import { Failure } from './api.mjs';
import { compiled } from './compiled.mjs';

const NODE_LEAST = [20, 19];
const WAIT_MS = 3000;

/**
 * Looks at all that a server needs, one thing after the other, each with its mend. Nothing is
 * changed: folders are not made, migrations are not run.
 */
export async function doctor({ json }) {
  const findings = [];
  const tell = (finding) => {
    findings.push(finding);
    if (!json) console.log(line(finding));
  };
  tell(node());
  const config = await settings(tell);
  if (config) for (const check of CHECKS) tell(await check(config).catch(asFault(check.name)));
  const faults = findings.filter(({ state }) => state === 'fault').length;
  if (json) console.log(JSON.stringify({ ok: faults === 0, findings }));
  if (faults > 0) throw new Failure(`${faults} of ${findings.length} things are to be mended`);
}

const good = (what, detail) => ({ what, state: 'good', detail });
const note = (what, detail, mend) => ({ what, state: 'note', detail, ...(mend && { mend }) });
const fault = (what, detail, mend) => ({ what, state: 'fault', detail, mend });
const asFault = (what) => (error) => fault(what, error.message, 'See docs/operations.md.');

function line({ what, state, detail, mend }) {
  const sign = { good: '✔', note: '·', fault: '✖' }[state];
  return `${sign} ${what}: ${detail}${mend ? `\n    ${mend}` : ''}`;
}

function node() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  const [most, least] = NODE_LEAST;
  return major > most || (major === most && minor >= least)
    ? good('Node', process.version)
    : fault('Node', process.version, `Install Node ${most}.${least} or later: https://nodejs.org`);
}

async function settings(tell) {
  const { loadConfig } = await compiled('config/config.js');
  const { environment } = await compiled('config/environment.js');
  try {
    const config = loadConfig(environment());
    tell(good('Settings', 'every one is as it must be'));
    return config;
  } catch (error) {
    tell(
      fault(
        'Settings',
        error.message,
        'Mend them in the environment or in .env (.env.example tells each).',
      ),
    );
    return null;
  }
}

/** Free, or a Banyan is there already. */
async function port({ HOST, PORT }) {
  const host = HOST === '0.0.0.0' || HOST === '::' ? '127.0.0.1' : HOST;
  const found = await fetch(`http://${host}:${PORT}/readyz`, {
    signal: AbortSignal.timeout(WAIT_MS),
  })
    .then(async (answer) => ({ status: answer.status, body: await answer.json() }))
    .catch(() => null);
  if (found?.status === 200)
    return good('Port', `a server answers at http://${host}:${PORT} and is ready`);
  if (found)
    return fault(
      'Port',
      `a server answers at http://${host}:${PORT}: ${JSON.stringify(found.body)}`,
      'What is not ready is named there.',
    );
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', ({ code }) =>
      resolve(
        fault(
          'Port',
          `${PORT} on ${HOST}: ${code}`,
          'Stop the program that has it, or set PORT to another port.',
        ),
      ),
    );
    server.listen(PORT, HOST, () =>
      server.close(() => resolve(good('Port', `${PORT} on ${HOST} is free`))),
    );
  });
}

/** Where the server keeps the databases that it starts itself. */
async function folder({ DATABASE_URL, DATA_DIR }) {
  if (DATABASE_URL) return good('Folder', 'none is needed: DATABASE_URL is set');
  const { access, constants, stat } = await import('node:fs/promises');
  const { dirname, resolve } = await import('node:path');
  const path = resolve(DATA_DIR);
  const there = await stat(path).catch(() => null);
  const looked = there ? path : dirname(path);
  return access(looked, constants.W_OK).then(
    () => good('Folder', there ? path : `${path} will be made`),
    () =>
      fault(
        'Folder',
        `${looked} cannot be written`,
        'Make it, and give this user the right to write, or set DATA_DIR.',
      ),
  );
}

async function binaries({ DATABASE_URL }) {
  if (DATABASE_URL) return good('PostgreSQL', 'yours is used: DATABASE_URL');
  const { locateBinaries } = await compiled('database/embedded-binaries.js');
  try {
    locateBinaries();
    return good('PostgreSQL', 'comes with the packages');
  } catch (error) {
    return fault(
      'PostgreSQL',
      error.message,
      'Run npm ci without --omit=optional, or set DATABASE_URL.',
    );
  }
}

/** Whether it answers, and has the tables of this version. */
async function database({ DATABASE_URL }) {
  if (!DATABASE_URL)
    return note('Database', 'is started with the server, and looked at then (npm run fsck)');
  const { default: pg } = await import('pg');
  const { dataSourceOptions } = await compiled('data-source.js');
  const client = new pg.Client({
    connectionString: DATABASE_URL,
    connectionTimeoutMillis: WAIT_MS,
  });
  try {
    await client.connect();
    const { rows } = await client.query(`SELECT to_regclass('migrations') IS NOT NULL AS there`);
    if (!rows[0].there)
      return note('Database', 'answers and is empty: the first start makes its tables');
    const done = await client.query('SELECT name FROM migrations');
    const names = new Set(done.rows.map(({ name }) => name));
    const missing = dataSourceOptions(DATABASE_URL).migrations.filter(
      ({ name }) => !names.has(name),
    );
    return missing.length === 0
      ? good('Database', 'answers, and has the tables of this version')
      : note(
          'Database',
          `answers; ${missing.length} migrations are to be run`,
          'The next start runs them.',
        );
  } catch (error) {
    return fault(
      'Database',
      error.message || error.code,
      'Start PostgreSQL, and see whether DATABASE_URL is right.',
    );
  } finally {
    await client.end().catch(() => undefined);
  }
}

const reachable = (what, setting, fallback) => async (config) => {
  const url = config[setting];
  if (!url) return note(what, `${fallback} (${setting} is not set)`);
  const { hostname, port } = new URL(url.replace(/^mongodb\+srv/, 'mongodb').split(',')[0]);
  const open = await new Promise((resolve) => {
    const socket = createConnection({
      host: hostname,
      port: Number(port) || DEFAULT_PORTS[setting],
    });
    socket.setTimeout(WAIT_MS, () => socket.destroy(new Error('no answer')));
    socket.once('connect', () => (socket.destroy(), resolve(null)));
    socket.once('error', (error) => resolve(error.code ?? error.message));
  });
  return open === null
    ? good(what, `${hostname} takes connections`)
    : fault(what, `${hostname}: ${open}`, `Start it, or take ${setting} away.`);
};
const DEFAULT_PORTS = { MONGODB_URI: 27017, REDIS_URL: 6379 };

async function model({ OPENAI_API_KEY, OPENAI_BASE_URL, LLM_PROVIDERS }) {
  if (!OPENAI_API_KEY && !OPENAI_BASE_URL && LLM_PROVIDERS.length === 0)
    return note(
      'Model',
      'none is set: an offline model shows what it was asked',
      'Set OPENAI_API_KEY, or OPENAI_BASE_URL for one of your own.',
    );
  if (!OPENAI_API_KEY && !OPENAI_BASE_URL)
    return good('Model', `${LLM_PROVIDERS.length} of LLM_PROVIDERS`);
  const base = (OPENAI_BASE_URL ?? 'https://api.openai.com/v1').replace(/\/+$/, '');
  const headers = OPENAI_API_KEY ? { authorization: `Bearer ${OPENAI_API_KEY}` } : {};
  const answer = await fetch(`${base}/models`, {
    headers,
    signal: AbortSignal.timeout(WAIT_MS),
  }).catch((error) => error);
  if (answer instanceof Error)
    return fault(
      'Model',
      `${base} does not answer (${answer.cause?.code ?? answer.message})`,
      'See whether OPENAI_BASE_URL is right.',
    );
  if (answer.status === 401 || answer.status === 403)
    return fault(
      'Model',
      `${base} does not take the key`,
      'Set OPENAI_API_KEY to one that is valid.',
    );
  return good('Model', `${base} answers`);
}

const CHECKS = [
  port,
  folder,
  binaries,
  database,
  reachable('MongoDB', 'MONGODB_URI', 'words are kept in PostgreSQL'),
  reachable('Redis', 'REDIS_URL', 'sessions and cache are in memory'),
  model,
];
