// npm run clients: real, unmodified clients against a started server with a provider that obliges.
// Writes what each of them can do to docs/clients.md. Those that are no devDependencies are
// installed into node_modules/.cache/clients. Options: words that names of clients must have;
// --newest leaves out the majors before; --ci runs what .ci/run does and writes nothing.
import { execFile, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { buildIfStale } from './build-if-stale.mjs';
import { CLIENTS } from './clients-list.mjs';
import { clientsPage } from './clients-page.mjs';
import { inFolder, startProvider, startServer } from './started-server.mjs';
import { COUNT, FAIL, HANG, SLOW, SLOW_ANSWER } from '../test/clients/flows.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const CACHE = join(ROOT, 'node_modules/.cache/clients');
const PATIENCE_MS = 300_000;
const run = promisify(execFile);

const words = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const option = (name) => process.argv.includes(`--${name}`);

/** What a provider does that is asked something of `flows.mjs`. */
const answerWith = (obliging) => (asked) => {
  const { messages } = asked.body;
  const last = JSON.stringify(messages.at(-1).content);
  if (last.includes(FAIL)) return { status: 500 };
  if (last.includes(HANG)) return { tokens: ['Hm', ' hm'], hangAfter: 1 };
  if (last.includes(SLOW)) return { tokens: SLOW_ANSWER.match(/ ?\S+/g), delayMs: 150 };
  const questions = messages.filter(({ role }) => role === 'user').length;
  return last.includes(COUNT) ? { turn: [`You asked ${questions} questions.`] } : obliging(asked);
};

/** The folder in which a client is installed, with the scripts in it; made where it is not there. */
async function folderOf({ name, version, packages }) {
  const folder = join(CACHE, `${name.replace(/\W+/g, '-')}-${version}`);
  const wanted = JSON.stringify(packages);
  const stamp = join(folder, 'installed.json');
  mkdirSync(folder, { recursive: true });
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted) {
    writeFileSync(join(folder, 'package.json'), '{"private":true,"type":"module"}');
    const options = ['--no-audit', '--no-fund', '--no-save', '--legacy-peer-deps'];
    await run('npm', ['install', ...options, ...packages], { cwd: folder });
    writeFileSync(stamp, wanted);
  }
  cpSync(join(ROOT, 'test/clients'), join(folder, 'clients'), { recursive: true });
  return folder;
}

/** The Python of a client, in an environment of its own. */
async function pythonOf({ name, version, packages }) {
  const folder = join(CACHE, `python-${name.replace(/\W+/g, '-')}-${version}`);
  const stamp = join(folder, 'installed.json');
  const wanted = JSON.stringify(packages);
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted) {
    await run('python3', ['-m', 'venv', folder]);
    await run(join(folder, 'bin/pip'), ['install', '-q', ...packages], { timeout: PATIENCE_MS });
    writeFileSync(stamp, wanted);
  }
  return join(folder, 'bin/python');
}

async function commandOf(client) {
  const script = `clients/${client.language}/${client.script}`;
  if (client.language === 'python') return [await pythonOf(client), join(ROOT, 'test', script)];
  return [
    process.execPath,
    client.isHere ? join(ROOT, 'test', script) : join(await folderOf(client), script),
  ];
}

/** What a client tells of its flows; a line says what went wrong where it tells nothing. */
async function tryClient(client, env) {
  const [program, ...args] = await commandOf(client);
  const child = spawn(program, args, { env: { ...process.env, ...env }, timeout: PATIENCE_MS });
  let [told, errors] = ['', ''];
  child.stdout.on('data', (text) => (told += text));
  child.stderr.on('data', (text) => (errors += text));
  await new Promise((resolve) => child.once('close', resolve));
  const lines = told.split('\n').filter((line) => line.startsWith('{"flow"'));
  if (lines.length === 0) throw new Error(`tells nothing: ${errors.slice(-2000)}`);
  return lines.map((line) => JSON.parse(line));
}

async function tryAll(clients, env) {
  const results = [];
  for (const client of clients) {
    const title = `${client.name} ${client.version} (${client.language})`;
    const flows = await tryClient(client, env).catch((error) => {
      // Where nothing can be installed nothing can be said.
      console.log(`${title}: left out: ${error.message.split('\n')[0]}`);
      if (error.message.startsWith('tells nothing')) throw error;
      return null;
    });
    if (!flows) continue;
    const failed = flows.filter(({ result }) => result === 'fails');
    const worked = flows.filter(({ result }) => result === 'works').length;
    console.log(`${title}: ${worked} work, ${failed.length} fail`);
    for (const { flow, reason } of failed) console.log(`  ${flow}: ${reason}`);
    results.push({ client, flows });
  }
  return results;
}

const hasPython = () =>
  run('python3', ['-m', 'venv', '--help']).then(
    () => true,
    () => false,
  );

async function chosen() {
  const clients = CLIENTS.filter(
    ({ name, isNewest, inCi }) =>
      (words.length === 0 || words.some((word) => name.includes(word))) &&
      (isNewest || !option('newest')) &&
      (inCi || !option('ci')),
  );
  if (await hasPython()) return clients;
  console.log('Python with venv is not there: the clients in Python are left out.');
  return clients.filter(({ language }) => language !== 'python');
}

async function tokenOf(url) {
  const answer = await fetch(`${url}/api/v1/auth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: 'clients@example.org', password: 'four small blue boats' }),
  });
  return (await answer.json()).access_token;
}

function tryHere(clients) {
  return inFolder(async (dir) => {
    const { provider, obliging } = await startProvider(dir);
    provider.always(answerWith(obliging));
    try {
      const server = await startServer(dir, provider.settings({ ANSWERS_PER_ACCOUNT: '0' }));
      const env = { BANYAN_URL: server.url, BANYAN_TOKEN: await tokenOf(server.url) };
      return await tryAll(clients, env).finally(server.stop);
    } finally {
      await provider.close();
    }
  });
}

/** What only an older client asks for in its own way may be refused. */
const isBroken = ({ client, flows }) =>
  flows.some(({ result }) => result === 'fails' || (client.isNewest && result === 'refused'));

async function main() {
  await buildIfStale();
  const results = await tryHere(await chosen());
  if (!option('ci') && !option('newest') && words.length === 0)
    writeFileSync(join(ROOT, 'docs/clients.md'), clientsPage(results));
  return results.some(isBroken) ? 1 : 0;
}

process.exitCode = await main().catch((error) => {
  console.error(error.message);
  return 1;
});
