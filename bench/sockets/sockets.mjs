// node bench/sockets/sockets.mjs [idle] [slow] [streams] [fanout] (all of them when nothing is
// said; about five minutes)
//
// idle 5,000 sockets, authenticated, each subscribed to one of 100 conversations, and silent: RSS
// of the server for each; a bare ws for comparison slow 1,000 sockets on one conversation, 5 % of
// them never read, 50 events a second of 2 KiB for 60 s: growth of RSS, latency of the others
// streams the same with 200 server-sent streams besides, 5 % of them deaf too fanout 1,000 sockets
// on one conversation, 50 events a second of 300 B: server CPU for each delivery, against a bare
// loop over ws, interleaved
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { buildIfStale } from '../../scripts/build-if-stale.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** SOCKETS=200 for a smaller crowd at `slow` and `fanout`. */
const CROWD = Number(process.env.SOCKETS || 1000);
const SETTINGS = {
  JWT_SECRET: 'bench-only-9c1f4a7be02d4d6f8a35c7e9b1d3f5a7',
  PASSWORD_BLOCKLIST: 'off',
  RATE_LIMIT_PER_MINUTE: '0',
  RATE_LIMIT_AUTH_PER_MINUTE: '0',
  SOCKETS_PER_ACCOUNT: '0',
  ACCESS_TOKEN_TTL_SECONDS: '86400',
  LOG_LEVEL: 'warn',
  PORT: '0',
};

function cpuOf(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** A server as a process of its own. */
class Server {
  static running = new Set();

  constructor(child, url) {
    Server.running.add(this);
    this.child = child;
    this.url = url;
    this.port = Number(new URL(url).port);
  }

  static async start(script, env = {}) {
    const child = spawn(process.execPath, [script], {
      cwd: env.CWD,
      env: { PATH: process.env.PATH, ...env },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    let out = '';
    for await (const chunk of child.stdout) {
      out += chunk;
      const url = /Banyan is ready: (\S+)/.exec(out)?.[1];
      if (url) return new Server(child, url.replace(/\/$/, ''));
    }
    throw new Error(`not ready:\n${out}`);
  }

  /** KiB. */
  get rss() {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${this.child.pid}/status`, 'utf8'))[1]);
  }

  /** Seconds of CPU so far, all threads. */
  get cpu() {
    return cpuOf(this.child.pid);
  }

  async call(method, path, token, body) {
    const answer = await fetch(`${this.url}/api/v1${path}`, {
      method,
      headers: {
        'content-type': 'application/json',
        ...(token && { authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  }

  /** An account with a chat. */
  async aPerson() {
    const { access_token: token } = await this.call('POST', '/auth/register', null, {
      email: `${process.hrtime.bigint()}@example.org`,
      password: 'a password of benches',
    });
    return { token, chatId: (await this.call('POST', '/chats', token, {})).chat_id };
  }

  async stop() {
    Server.running.delete(this);
    const ended = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await ended;
  }
}

/** A process of clients; `ask` sends it an order and answers its answer. */
function clients() {
  const child = fork(fileURLToPath(new URL('clients.mjs', import.meta.url)));
  const ask = async (order) => {
    child.send(order);
    const [answer] = await once(child, 'message');
    if (answer.error) throw new Error(answer.error);
    return answer;
  };
  return { ask, pid: child.pid, stop: () => child.disconnect() };
}

/** Waits until the garbage of the opening is collected: RSS no longer falls. */
async function settledRss(server) {
  let least = Infinity;
  for (let n = 0; n < 10; n++) {
    await sleep(1000);
    least = Math.min(least, server.rss);
  }
  return least;
}

/**
 * A fresh server for each row: the memory that closed sockets leave behind would be taken by the
 * next ones.
 */
async function idle(startBanyan, startPeer) {
  const figures = {};
  for (const [name, start, path, take] of [
    ['ws alone', startPeer, '/', () => ({})],
    ['authenticated', startBanyan, '/api/v1/ws', ({ token }) => ({ token })],
    ['and subscribed', startBanyan, '/api/v1/ws', (person) => person],
  ]) {
    const server = await start();
    const people = [];
    for (let n = 0; n < 100; n++) people.push(start === startBanyan ? await server.aPerson() : {});
    figures[name] = await weigh(server, path, people.map(take));
    await server.stop();
  }
  return figures;
}

async function weigh(server, path, people) {
  const warm = clients();
  await warm.ask({ open: { port: server.port, path, people, count: 200 } });
  const before = await settledRss(server);
  const crowd = clients();
  const { open } = await crowd.ask({ open: { port: server.port, path, people, count: 5000 } });
  const after = await settledRss(server);
  const cpu = server.cpu;
  await sleep(5000);
  const busy = ((server.cpu - cpu) / 5) * 100;
  for (const one of [warm, crowd]) one.stop();
  return `${((after - before) / open).toFixed(1)} KiB each (${open} sockets, RSS ${(before / 1024).toFixed(0)} → ${(after / 1024).toFixed(0)} MiB), ${busy.toFixed(1)} % of a core`;
}

/** Posts at a fixed rate; each question has the time of its sending in it. */
async function post(send, perSecond, seconds, bytes) {
  const started = performance.now();
  const posting = [];
  for (let n = 0; n < perSecond * seconds; n++) {
    await sleep(Math.max(0, started + (n * 1000) / perSecond - performance.now()));
    const now = (performance.timeOrigin + performance.now()).toFixed(4).padStart(18).slice(0, 16);
    posting.push(send(`@@${now}@@${'x'.repeat(bytes)}`));
  }
  await Promise.all(posting);
}

async function slow(startBanyan, _startPeer, streams = 0) {
  const banyan = await startBanyan();
  const person = await banyan.aPerson();
  const seconds = 60;
  const crowd = clients();
  await crowd.ask({
    open: { port: banyan.port, path: '/api/v1/ws', people: [person], count: CROWD, deafEvery: 20 },
  });
  if (streams > 0)
    await crowd.ask({ stream: { port: banyan.port, person, count: streams, deafEvery: 20 } });
  const send = (question) =>
    banyan.call('POST', `/chats/${person.chatId}/messages`, person.token, {
      question,
      response: 'y',
    });
  await post(send, 50, 5, 2048);
  const before = await settledRss(banyan);
  await crowd.ask({ report: true });
  let most = before;
  const cpuBefore = { server: banyan.cpu, clients: cpuOf(crowd.pid) };
  const watch = setInterval(() => (most = Math.max(most, banyan.rss)), 100);
  await post(send, 50, seconds, 2048);
  await sleep(1000);
  clearInterval(watch);
  const { frames, p50, p99, max, closed } = await crowd.ask({ report: true });
  const cpu = {
    server: (banyan.cpu - cpuBefore.server) / seconds,
    clients: (cpuOf(crowd.pid) - cpuBefore.clients) / seconds,
  };
  crowd.stop();
  return {
    // Where the clients have no core of their own, they are the slow readers, and the figures below
    // are theirs.
    'cores used': `server ${cpu.server.toFixed(2)}, clients ${cpu.clients.toFixed(2)}`,
    'deliveries to the healthy': `${frames} of ${50 * seconds * (CROWD + streams) * 0.95}`,
    'from the sending of a post to the event': `p50 ${p50} ms, p99 ${p99} ms, max ${max} ms`,
    'growth of RSS': `at most ${((most - before) / 1024).toFixed(0)} MiB (from ${(before / 1024).toFixed(0)} MiB)`,
    'healthy ones closed as slow': closed,
  };
}

async function fanout(startBanyan, startPeer) {
  const [banyan, peer] = [await startBanyan(), await startPeer()];
  const person = await banyan.aPerson();
  const sides = [
    { name: 'banyan', server: banyan, path: '/api/v1/ws', people: [person], us: [] },
    { name: 'ws', server: peer, path: '/', people: [{ chatId: 'any' }], us: [] },
  ];
  const senders = {
    banyan: (question) =>
      banyan.call('POST', `/chats/${person.chatId}/messages`, person.token, {
        question,
        response: 'y',
      }),
    ws: (question) => fetch(`${peer.url}/publish?text=${question}`).then((answer) => answer.text()),
  };
  for (const side of sides) {
    side.crowd = clients();
    await side.crowd.ask({
      open: { port: side.server.port, path: side.path, people: side.people, count: CROWD },
    });
    await post(senders[side.name], 50, 3, 60);
    await side.crowd.ask({ report: true });
  }
  for (let round = 0; round < 5; round++) {
    for (const side of round % 2 ? [...sides].reverse() : sides) {
      const cpu = side.server.cpu;
      await post(senders[side.name], 50, 5, 60);
      await sleep(300);
      const { frames, p99 } = await side.crowd.ask({ report: true });
      side.us.push(((side.server.cpu - cpu) * 1e6) / frames);
      side.p99 = Math.max(side.p99 ?? 0, p99);
    }
  }
  for (const { crowd } of sides) crowd.stop();
  const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
  const [ours, theirs] = sides.map(({ us }) => median(us));
  return {
    'CPU for each delivery, the post included': `${ours.toFixed(1)} µs; ws alone ${theirs.toFixed(1)} µs; ratio ${(theirs / ours).toFixed(2)}`,
    'p99 (largest of the rounds)': `${sides[0].p99} ms; ws alone ${sides[1].p99} ms`,
  };
}

const SCENARIOS = {
  idle,
  slow,
  streams: (startBanyan, startPeer) => slow(startBanyan, startPeer, 200),
  fanout,
};

async function main(names) {
  await buildIfStale();
  const dir = mkdtempSync(join(tmpdir(), 'banyan-sockets-'));
  chmodSync(dir, 0o755);
  const { startEmbeddedPostgres } = await import('../../dist/src/database/embedded-postgres.js');
  // The disk is no part of this: posts to one conversation come one after the other, and would wait
  // for it.
  const { url, stop } = await startEmbeddedPostgres({
    dataDir: join(dir, 'postgres'),
    settings: { synchronous_commit: 'off' },
  });
  try {
    const startBanyan = () =>
      Server.start(join(ROOT, 'dist/server/main.mjs'), {
        ...SETTINGS,
        DATABASE_URL: url,
        CWD: dir,
      });
    const startPeer = () => Server.start(fileURLToPath(new URL('peer.mjs', import.meta.url)));
    for (const name of names) {
      console.log(`${name}:`);
      for (const [what, figure] of Object.entries(await SCENARIOS[name](startBanyan, startPeer)))
        console.log(`  ${what}: ${figure}`);
      await Promise.all([...Server.running].map((server) => server.stop()));
    }
  } finally {
    await stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

const wanted = process.argv.slice(2);
const stray = wanted.find((name) => !(name in SCENARIOS));
if (stray) {
  console.error(`There is no ${stray}; there are ${Object.keys(SCENARIOS).join(', ')}.`);
  process.exit(1);
}
await main(wanted.length > 0 ? wanted : Object.keys(SCENARIOS));
process.exit();
