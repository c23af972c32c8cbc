// npm run demo: loads a branching conversation through the public API and shows what came of it.
// --help tells the rest.
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { post, put, register } from './demo/api.mjs';
import { Fault } from './demo/fault.mjs';
import { findServer, own } from './demo/server.mjs';
import { showCompared, showNext, showTree } from './demo/show.mjs';
import { showParts } from './demo/show-parts.mjs';
import { count, flat, isTerminal, paint, progressOf } from './demo/terminal.mjs';
import { readTranscript } from './demo/transcript.mjs';

const DEFAULT_URL = 'http://127.0.0.1:3000';
const DEFAULT_FILE = fileURLToPath(new URL('../examples/weather-station.json', import.meta.url));

const HELP = `Loads a branching conversation into Banyan through its public API, and shows its tree and two branches side by side.

Usage: npm run demo [-- [file.json] [options]]

  file.json     a conversation to load (examples/weather-station.json); examples/README.md explains the format
  --url <url>   the server (BANYAN_URL, else ${DEFAULT_URL}); when none answers there and none was named, the demo
                starts one of its own in a temporary folder, and stops it at the end
  --own         starts one of its own even when another is running
  --keep        lets its own server run until Ctrl-C, so that you can look around
  --help        this text

It makes a new account each time and prints how to log in. Exit code: 0 loaded, 1 not, 2 wrong options.
`;

/**
 * What a person did or met, told in a sentence. Anything else is a fault of this script and comes
 * with its stack.
 */

function parseOptions(args) {
  const flag = { type: 'boolean' };
  const options = { url: { type: 'string' }, own: flag, keep: flag, help: { ...flag, short: 'h' } };
  try {
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
    if (positionals.length > 1)
      throw new Error(`One file at a time, please: ${positionals.join(', ')}`);
    const named = values.own ? values.url : (values.url ?? (process.env.BANYAN_URL || undefined));
    if (values.own && named) throw new Error('--own and --url contradict each other.');
    return { ...values, url: named && checkedUrl(named), file: positionals[0] ?? DEFAULT_FILE };
  } catch (error) {
    throw new Fault(`${error.message}\nnpm run demo -- --help tells what there is.`, 2);
  }
}

function checkedUrl(text) {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol))
    throw new Error(`${text} is no address: http://host:port is expected.`);
  return text.replace(/\/+$/, '');
}

/** Answers all chats of the conversation in the order of their making, the root first. */
async function load(session, transcript) {
  const progress = progressOf(stepsOf(transcript));
  const { name, system_prompt, pairs = [] } = transcript;
  const { chat_id: id } = await post(
    session,
    '/chats',
    { name, system_prompt },
    'The conversation',
  );
  const root = { id, name, at: 0, parent: null, path: [], active: transcript.active };
  progress(name);
  await ask(session, root, pairs, 'pairs', progress);
  const chats = [root, ...(await branchOut(session, root, transcript, '', progress))];
  const active = chats.findLast((chat) => chat.active) ?? root;
  await put(session, `/chats/${root.id}/active-branch`, { branch_chat_id: active.id });
  progress(null);
  return chats;
}

const stepsOf = ({ pairs = [], branches = [] }) =>
  branches.reduce((sum, branch) => sum + stepsOf(branch), 1 + pairs.length);

/**
 * Posts the pairs in their order. `parent_response_id` makes the server refuse them if anybody else
 * wrote in between.
 */
async function ask(session, chat, pairs, place, progress) {
  for (const [i, pair] of pairs.entries()) {
    const body = { ...sidesOf(pair), parent_response_id: chat.path.at(-1)?.response_id ?? null };
    chat.path.push(await post(session, `/chats/${chat.id}/messages`, body, `${place}[${i}]`));
    progress(flat(pair.question ?? pair.response ?? ''));
  }
}

/** Where the parts of a side stand, its text is only what people read in the file. */
function sidesOf({ question, response, question_parts, response_parts, ...rest }) {
  const asked = question_parts ? { question_parts } : { question };
  return { ...rest, ...asked, ...(response_parts ? { response_parts } : { response }) };
}

async function branchOut(session, parent, { branches = [] }, place, progress) {
  const chats = [];
  for (const [i, branch] of branches.entries()) {
    const here = `${place}branches[${i}]`;
    const body = {
      response_id: branch.at === 0 ? null : parent.path[branch.at - 1].response_id,
      name: branch.name,
    };
    const { chat_id: id } = await post(session, `/chats/${parent.id}/branches`, body, here);
    const chat = {
      id,
      name: branch.name,
      at: branch.at,
      parent,
      path: parent.path.slice(0, branch.at),
      active: branch.active,
    };
    progress(branch.name);
    await ask(session, chat, branch.pairs ?? [], `${here}.pairs`, progress);
    chats.push(chat, ...(await branchOut(session, chat, branch, `${here}.`, progress)));
  }
  return chats;
}

async function run(options) {
  const transcript = await readTranscript(options.file);
  const { url, child } = await findServer(options);
  const session = await register(url);
  const started = performance.now();
  const chats = await load(session, transcript);
  const pairs = chats.reduce((sum, { path, at }) => sum + path.length - at, 0);
  const took = ((performance.now() - started) / 1000).toFixed(1);
  console.log(
    `Loaded “${flat(transcript.name)}” into ${url}: ${count(pairs, 'pair')} in ${count(chats.length, 'chat')}, in ${took} s.`,
  );
  await showTree(session, chats[0].id);
  await showCompared(session, chats);
  showParts(chats);
  if (!child || options.keep) showNext(session, chats);
  if (child) await endOwn(child, options.keep);
}

async function endOwn(child, keep) {
  const advice =
    'To look around in it: npm run demo -- --keep; or npm start in another terminal, and then npm run demo.';
  console.log(
    keep
      ? '  The server runs until you press Ctrl-C; then it goes, and the data with it.'
      : paint.dim(`\nThis server was the demo's own and stops now. ${advice}`),
  );
  isKept = Boolean(keep);
  if (keep) await once(child, 'exit');
  await own.stop();
}

/** From then on Ctrl-C is the proper end. */
let isKept = false;

let isEnding = false;

async function end(code) {
  isEnding = true;
  await own.stop().catch(() => {});
  process.exit(code);
}

async function main() {
  if (process.argv.slice(2).some((arg) => arg === '--help' || arg === '-h'))
    return void process.stdout.write(HELP);
  for (const [signal, number] of Object.entries({ SIGHUP: 1, SIGINT: 2, SIGTERM: 15 })) {
    process.on(signal, () => void end(isKept ? 0 : 128 + number));
  }
  process.stdout.on('error', () => void end(0)); // the reader has gone: npm run demo | head
  try {
    await run(parseOptions(process.argv.slice(2)));
  } catch (error) {
    if (isEnding) return; // what broke was broken by that
    if (isTerminal) process.stdout.write('\r\x1b[K'); // the bar
    console.error(error instanceof Fault ? error.message : error);
    await end(error.exitCode ?? 1);
  }
}

await main();
