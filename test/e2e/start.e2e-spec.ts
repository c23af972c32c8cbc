import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MAIN, processesOn, ServerProcess } from '../support/server-process.js';
import { stopwatch, until } from '../support/machine-clock.js';

const NOBODY = 65_534;
const isRoot = process.getuid!() === 0;
const ACCOUNT = { email: 'ada@example.com', password: 'four small blue boats' };

const folders: string[] = [];
const servers: ServerProcess[] = [];

/** A folder below which everybody may go; `mkdtemp` alone makes one for its owner. */
function aFolder({ mode = 0o755 } = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'banyan-start-'));
  chmodSync(folder, mode);
  folders.push(folder);
  return folder;
}

async function aServer(
  options: ConstructorParameters<typeof ServerProcess>[0],
): Promise<ServerProcess> {
  const server = await ServerProcess.ready(options);
  servers.push(server);
  return server;
}

/** A start that is expected to fail, to its end. */
async function aFailedStart(
  options: ConstructorParameters<typeof ServerProcess>[0],
): Promise<{ code: number | null; err: string }> {
  const server = new ServerProcess(options);
  servers.push(server);
  return { code: await server.exit(), err: server.err };
}

const post = (url: string, body: object): Promise<Response> =>
  fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

const readiness = async ({ url }: ServerProcess): Promise<{ status?: string; stores?: object }> =>
  (await fetch(`${url}/readyz`)).json().catch(() => ({})) as Promise<{ status?: string }>;

afterAll(async () => {
  for (const server of servers) server.kill();
  await Promise.all(servers.map((server) => server.exit()));
  await until(() => folders.every((folder) => processesOn(folder).length === 0));
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

describe('the command line', () => {
  it('--help tells the settings that people want most', async () => {
    const server = new ServerProcess({ cwd: aFolder(), args: ['--help'] });
    expect(await server.exit()).toBe(0);
    for (const name of ['PORT', 'DATABASE_URL', 'MONGODB_URI', 'DATA_DIR', '.env.example'])
      expect(server.out).toContain(name);
  });

  it('an unknown option is refused with a hint', async () => {
    const { code, err } = await aFailedStart({ cwd: aFolder(), args: ['--prot=1'] });
    expect(code).toBe(2);
    expect(err).toContain('--help');
  });

  it('bad settings stop the start, all told at once with name and mend, without a stack', async () => {
    const cwd = aFolder();
    const { code, err } = await aFailedStart({
      cwd,
      env: { PORT: 'eighty', JWT_SECRET: 'secret', TRUST_PROXY: 'yes' },
    });
    expect(code).toBe(1);
    expect(err).toContain('PORT must be a whole number from 0 to 65535');
    expect(err).toContain('JWT_SECRET must be at least 32 characters');
    expect(err).toContain('TRUST_PROXY must be IP addresses');
    expect(err).not.toContain('    at ');
    expect(processesOn(cwd)).toEqual([]);
  });
});

describe('a data folder through its life', () => {
  const cwd = aFolder();
  let server: ServerProcess;

  it('the first start makes everything, and the request that it prints works', async () => {
    server = await aServer({ cwd });
    expect(server.out).toContain('first start');
    const [command] = /curl -s[^]*?'\n/.exec(server.out) ?? [''];
    const answer = hasCurl()
      ? JSON.parse(execFileSync('/bin/sh', ['-c', command], { encoding: 'utf8' }))
      : await (await post(`${server.url}/api/v1/auth/register`, ACCOUNT)).json();
    expect(answer).toMatchObject({
      access_token: expect.any(String),
      account: { email: ACCOUNT.email },
    });
  });

  it('is ready, alive, and says what it is', async () => {
    expect(await readiness(server)).toEqual({
      status: 'ready',
      stores: {
        postgres: { status: 'up', mode: 'embedded' },
        content: { status: 'up', mode: 'embedded', kind: 'postgres' },
        redis: { status: 'up', mode: 'memory' },
      },
    });
    expect(await (await fetch(`${server.url}/livez`)).json()).toEqual({ status: 'ok' });
    expect(await (await fetch(`${server.url}/version`)).json()).toMatchObject({
      name: 'banyan',
      node: process.version,
    });
  });

  it('keeps its secret and its database to itself', () => {
    expect(statSync(join(cwd, 'data/jwt-secret')).mode & 0o777).toBe(0o600);
    expect(statSync(join(cwd, 'data/postgres')).mode & 0o777).toBe(0o700);
  });

  it('a second start on the same folder says who uses it', async () => {
    const { code, err } = await aFailedStart({ cwd });
    expect(code).toBe(1);
    expect(err).toContain(`in use by another Banyan (process ${server.pid})`);
    expect(err).not.toContain('    at ');
  });

  it('when PostgreSQL alone is killed it comes back', async () => {
    const [pid] = readFileSync(join(cwd, 'data/postgres/postmaster.pid'), 'utf8').split('\n');
    process.kill(Number(pid), 'SIGKILL');
    await until(
      async () => (await readiness(server)).status === 'ready' && postmasterOf(cwd) !== pid,
    );
    // A connection from before may still be in the pool: a request that meets it is told to come
    // again.
    await until(
      async () => (await post(`${server.url}/api/v1/auth/login`, ACCOUNT)).status === 200,
    );
  });

  it('kill -9 leaves no database behind, and the next start knows the account', async () => {
    server.kill();
    await server.exit();
    await until(() => processesOn(cwd).length === 0);
    server = await aServer({ cwd });
    expect(server.out).not.toContain('first start');
    expect((await post(`${server.url}/api/v1/auth/login`, ACCOUNT)).status).toBe(200);
  });

  it('kill -9 of all its processes at once is survived too', async () => {
    server.kill();
    for (const pid of processesOn(join(cwd, 'data'))) tryKill(pid);
    await server.exit();
    server = await aServer({ cwd });
    expect((await post(`${server.url}/api/v1/auth/login`, ACCOUNT)).status).toBe(200);
  });

  it('a port in use is told with the setting that mends it', async () => {
    const holder = createServer().listen(0, '127.0.0.1');
    await once(holder, 'listening');
    const { port } = holder.address() as { port: number };
    const other = aFolder();
    const { code, err } = await aFailedStart({ cwd: other, env: { PORT: String(port) } });
    holder.close();
    expect(code).toBe(1);
    expect(err).toMatch(
      new RegExp(`^Port ${port} on 127.0.0.1 is in use by another program.*set PORT`),
    );
    expect(processesOn(other)).toEqual([]);
  });

  it('SIGTERM lets a running request end, takes no new one, and exits with 0', async () => {
    const body = JSON.stringify({ ...ACCOUNT, email: 'grace@example.com' });
    const socket = await halfARequest(server.url, body);
    const ran = stopwatch();
    server.signal('SIGTERM');
    await until(() => server.out.includes('SIGTERM'));
    await until(() =>
      fetch(`${server.url}/livez`).then(
        () => false,
        () => true,
      ),
    );
    socket.write(body.slice(10));
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(String(answer)).toMatch(/^HTTP\/1.1 201/);
    expect(await server.exit()).toBe(0);
    expect(ran()).toBeLessThan(5000); // SHUTDOWN_TIMEOUT_SECONDS is 10
    expect(processesOn(cwd)).toEqual([]);
  });

  it('a request that does not end is cut off after SHUTDOWN_TIMEOUT_SECONDS', async () => {
    server = await aServer({ cwd, env: { SHUTDOWN_TIMEOUT_SECONDS: '1' } });
    const socket = await halfARequest(server.url, JSON.stringify(ACCOUNT));
    socket.on('error', () => {}); // a reset is what is wanted
    expect(await server.stop()).toBe(0);
  });
});

(isRoot ? it : it.skip)('root starts it below a folder that only root may enter', async () => {
  const server = await aServer({ cwd: aFolder({ mode: 0o700 }) });
  expect((await readiness(server)).status).toBe('ready');
  expect(await server.stop()).toBe(0);
});

(isRoot && isReadableToNobody() ? it : it.skip)('an ordinary user starts it', async () => {
  const cwd = aFolder();
  chownSync(cwd, NOBODY, NOBODY);
  const server = await aServer({ cwd, uid: NOBODY, gid: NOBODY });
  expect((await readiness(server)).status).toBe('ready');
  expect(statSync(join(cwd, 'data/postgres')).uid).toBe(NOBODY);
  expect(await server.stop()).toBe(0);
});

const postmasterOf = (cwd: string): string | undefined =>
  readFileSync(join(cwd, 'data/postgres/postmaster.pid'), 'utf8').split('\n')[0];

const hasCurl = (): boolean => spawnSync('curl', ['--version']).status === 0;

function isReadableToNobody(): boolean {
  return spawnSync('test', ['-r', MAIN], { uid: NOBODY, gid: NOBODY, cwd: '/' }).status === 0;
}

function tryKill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It went with the one before.
  }
}

/** Sends the head of a register request and the first ten bytes of its body. */
async function halfARequest(url: string, body: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  const head = [
    'POST /api/v1/auth/register HTTP/1.1',
    'host: x',
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    // By its answer to this the server tells that it has read the head.
    'expect: 100-continue',
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n${body.slice(0, 10)}`);
  const [told] = (await once(socket, 'data')) as [Buffer];
  expect(String(told)).toMatch(/^HTTP\/1.1 100 Continue/);
  return socket;
}
