// The compiled server in a process of its own, told by its parent what to measure: under jest each
// use of a global costs many times what it costs in a server, and other tests would be measured
// too. Every message is a request with a body; the answer is what it cost.
import { setTimeout as sleep } from 'node:timers/promises';
import { createApp } from '../../dist/src/app.setup.js';
import { ProblemFilter } from '../../dist/src/common/problem.filter.js';
import { Problem } from '../../dist/src/common/problems.js';
import { DtoPipe } from '../../dist/src/common/validation.pipe.js';
import { loadConfig } from '../../dist/src/config/config.js';

/** The status of a good body: it ends the request where its handler would begin. */
const ACCEPTED = 299;
/**
 * The least of so many tries counts: other work of the machine only ever adds. What is parsed by
 * the way needs fewer.
 */
const TRIES = 20;
const PARSES = 3;
/**
 * A neighbour on the machine may make everything dearer for longer than that takes. What seems to
 * be too dear is measured so many times more, with pauses, and each time beside the parser.
 */
const ROUNDS = 5;
const PAUSE_MS = 300;

const app = await createApp(loadConfig(process.env));
await app.init();
const server = app.getHttpAdapter().getInstance();
await server.ready();
const credentials = { email: 'ann@example.org', password: 'a password of tests' };
const { access_token: token } = (
  await server.inject({ method: 'POST', url: '/api/v1/auth/register', payload: credentials })
).json();
const headers = {
  authorization: `Bearer ${token}`,
  'content-type': 'application/json',
  'idempotency-key': 'budget',
};

const accepted = new Problem({ status: ACCEPTED, code: 'accepted', title: 'accepted' });
const { transform } = DtoPipe.prototype;
const { catch: answer } = ProblemFilter.prototype;
DtoPipe.prototype.transform = function (value, metadata) {
  const dto = transform.call(this, value, metadata);
  if (metadata.type === 'body') throw accepted;
  return dto;
};
ProblemFilter.prototype.catch = function (error, host) {
  if (error === accepted) void host.switchToHttp().getRequest().idempotent?.fingerprint;
  answer.call(this, error, host);
};

async function cpuMsOf(work) {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

function parse(body) {
  try {
    JSON.parse(body.toString());
  } catch {
    // What is no JSON is refused as well.
  }
}

/** The least of so many tries, or the first that is `enough`. */
async function leastOf(tries, work, enough = 0) {
  let least = Infinity;
  for (let n = 0; n < tries && least > enough; n++) least = Math.min(least, await cpuMsOf(work));
  return least;
}

/** Pieces of bodies that come again, by their ids. */
const pieces = new Map();

function pieceOf({ id, bytes }) {
  if (bytes && id !== undefined) pieces.set(id, Buffer.from(bytes));
  return bytes ?? pieces.get(id);
}

const TWO_BYTES = Buffer.from('{}');

/** The least that a request cost so far with a body of two bytes, by its route. */
const idle = new Map();

async function idleMsOf(route, send, enough) {
  const tries = idle.has(route) ? 1 : TRIES;
  const ms = await leastOf(tries, send, enough);
  idle.set(route, Math.min(ms, idle.get(route) ?? Infinity));
  return idle.get(route);
}

/** What the parser took for a large piece so far, whatever little stands around it. */
const parsed = new Map();

/**
 * `most` are the multiples of `JSON.parse` that a refused and an accepted body may cost, above
 * `freeMs`.
 */
async function measure({ request, most, freeMs }) {
  const body = Buffer.concat(request.payload.map(pieceOf));
  const piece = request.payload.find(({ id }) => id !== undefined)?.id;
  const route = `${request.method} ${request.url}`;
  const send = async (payload) =>
    (await server.inject({ ...request, headers, payload })).statusCode;
  const round = async () => {
    let statusCode = 0;
    const firstMs = await cpuMsOf(async () => void (statusCode = await send(body)));
    // What is free with the two bytes is so without them.
    if (firstMs <= freeMs) return { statusCode, ms: firstMs, maxMs: freeMs, parseMs: 0 };
    const idleMs = await idleMsOf(route, () => send(TWO_BYTES), freeMs / 2);
    const times = statusCode === ACCEPTED ? most.accepted : most.refused;
    let parseMs = parsed.get(piece) ?? (await cpuMsOf(() => parse(body)));
    // One look is enough where half of what it said would do.
    if (firstMs - idleMs > freeMs + (times * parseMs) / 2)
      parseMs = Math.min(parseMs, await leastOf(PARSES - 1, () => parse(body)));
    if (piece !== undefined) parsed.set(piece, parseMs);
    const maxMs = freeMs + times * parseMs;
    const enough = maxMs + idleMs;
    const ms = firstMs > enough ? await leastOf(TRIES, () => send(body), enough) : firstMs;
    return { statusCode, ms: Math.min(ms, firstMs) - idleMs, maxMs, parseMs };
  };
  let cost = await round();
  for (let n = 0; n < ROUNDS && cost.ms > cost.maxMs; n++) {
    await sleep(PAUSE_MS);
    // With the neighbour as well.
    idle.delete(route);
    parsed.delete(piece);
    cost = await round();
  }
  return cost;
}

process.on('message', async (message) => process.send(await measure(message)));
process.on('disconnect', () => process.exit());
process.send('ready');
