import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createDatabase, SETTINGS } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { chatGpt, type Said } from '../support/exports.js';
import { ServerProcess } from '../support/server-process.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const BANYAN = join(ROOT, 'cli/banyan.mjs');
const exec = promisify(execFile);
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');
const blockAfter = (comment: string): string =>
  README.slice(README.indexOf(`<!-- ${comment}`)).match(/```\w+\n([\s\S]*?)```/)![1]!;
const withoutIds = (text: string): string =>
  text.replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<id>').trim();

const SAID: Said[] = [
  { id: 'root', parent: null },
  { id: 'q1', parent: 'root', role: 'user', text: 'Where is the midnight sun?' },
  { id: 'a1', parent: 'q1', role: 'assistant', text: 'North of the Arctic Circle.' },
  { id: 'q2b', parent: 'a1', role: 'user', text: 'And in winter?' },
  { id: 'a2b', parent: 'q2b', role: 'assistant', text: 'Northern lights.' },
  { id: 'q2', parent: 'a1', role: 'user', text: 'When?' },
  { id: 'a2', parent: 'q2', role: 'assistant', text: 'From May to July.' },
];

interface Run {
  code: number;
  stdout: string;
  stderr: string;
}

describe('the command line', () => {
  let server: ServerProcess;
  let ann: TestClient;
  let folder: string;
  /** Of the server, which `start`, `fsck` and `doctor` read. */
  let settings: Record<string, string>;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'banyan-cli-'));
    settings = { ...SETTINGS, DATABASE_URL: await createDatabase() };
    const started = { cwd: folder, env: settings, program: BANYAN, args: ['start'] };
    server = await ServerProcess.ready(started);
    ann = await TestClient.register(server.url);
    const file = [chatGpt('m', SAID, { title: 'Midnight sun' })];
    writeFileSync(join(folder, 'conversations.json'), JSON.stringify(file));
  });
  afterAll(async () => {
    // It ends as a server does that is told to.
    expect(await server.stop()).toBe(0);
  });

  const node = (args: string[], env: Record<string, string> = {}): Promise<Run> =>
    exec(process.execPath, args, { cwd: folder, env: { PATH: process.env.PATH, ...env } }).then(
      ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
      ({ code, stdout, stderr }: Run) => ({ code, stdout, stderr }),
    );
  const run = (args: string[], env: Record<string, string> = {}): Promise<Run> =>
    node([BANYAN, ...args], { BANYAN_URL: server.url, BANYAN_TOKEN: ann.token!, ...env });

  it('imports and draws what came, as the README prints it', async () => {
    let printed = '';
    for (const command of blockAfter('import:').trim().split(' && ')) {
      const { code, stdout, stderr } = await run(command.replace('npx banyan ', '').split(' '));
      expect([code, stderr]).toEqual([0, '']);
      printed += stdout;
    }
    expect(withoutIds(printed)).toBe(withoutIds(blockAfter('import output')));
    const again = JSON.parse((await run(['import', 'conversations.json', '--json'])).stdout);
    expect(again.report.conversations).toMatchObject({ added: 0, unchanged: 1 });
  });

  it('finds what was said, for people and for programs', async () => {
    const { code, stdout, stderr } = await run(['search', '"arctic circle"', '--side', 'response']);
    expect([code, stderr]).toEqual([0, '']);
    expect(withoutIds(stdout)).toBe(
      'Midnight sun  pair 1 of <id>  2023-11-14\n  response: North of the Arctic Circle.',
    );
    const { items } = JSON.parse((await run(['search', 'lights', '--json'])).stdout);
    expect(items).toMatchObject([
      { seq: 2, highlight: { response: { text: 'Northern lights.' } } },
    ]);
    const nothing = await run(['search', 'lights', '--from', '2024-01-01']);
    expect([nothing.code, nothing.stdout]).toEqual([0, '']);
    expect(nothing.stderr).toContain('Nothing was found');
  });

  it('draws the tree of one conversation, and tells it to programs', async () => {
    const { items } = (await ann.get('/chats')).body;
    const { stdout } = await run(['tree', items[0].chat_id, '--json']);
    expect(JSON.parse(stdout)).toMatchObject([
      { chat_id: items[0].chat_id, parent_chat_id: null },
      { parent_chat_id: items[0].chat_id, fork_seq: 1 },
    ]);
  });

  it('checks the stores of the server', async () => {
    const { code, stdout } = await run(['fsck', '--json'], settings);
    expect([code, JSON.parse(stdout).ok]).toEqual([0, true]);
    const wrong = await run(['fsck', '--sing'], settings);
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('--sing')]);
  });

  it('hands out invitations and password resets, and lists accounts', async () => {
    const admin = async (...args: string[]) => run(['admin', ...args], settings);
    const email = '"an\u001bn"@example.org';
    const asked = await admin('invite', '--json');
    expect([asked.code, asked.stderr]).toEqual([0, '']);
    const { token: invitation } = JSON.parse(asked.stdout);
    const anyone = new TestClient(server.url);
    const fields = { email, password: 'a password of tests', name: 'Ann\u001b[2J', invitation };
    expect((await anyone.post('/auth/register', fields)).status).toBe(201);

    const told = await admin('reset-password', email, '--hours', '2');
    expect([told.code, told.stderr]).toEqual([0, '']);
    const [token] = told.stdout.split('\n');
    const reset = { token, new_password: 'two large green kites' };
    expect((await anyone.post('/auth/password/reset', reset)).status).toBe(204);
    const signIn = { email, password: reset.new_password };
    expect((await anyone.post('/auth/login', signIn)).status).toBe(200);

    const { stdout } = await admin('accounts');
    expect(stdout).toContain(`${ann.email}\n`);
    expect(stdout).toContain('"an\ufffdn"@example.org  Ann\ufffd[2J\n');
    const lines = (await admin('accounts', '--json')).stdout.trim().split('\n');
    expect(lines.map((line) => JSON.parse(line).email).sort()).toEqual([email, ann.email].sort());
  });

  it('says what is wrong at the console, and does nothing then', async () => {
    const nobody = await run(['admin', 'reset-password', 'nobody@example.org'], settings);
    expect([nobody.code, nobody.stdout]).toEqual([1, '']);
    expect(nobody.stderr).toContain('no account has the e-mail nobody@example.org');
    const forever = await run(['admin', 'invite', '--hours', '9000'], settings);
    expect([forever.code, forever.stdout]).toEqual([2, '']);
    expect(forever.stderr).toContain('a whole number from 1 to 8760');
    const away = { ...settings, DATABASE_URL: 'postgres://127.0.0.1:9/none' };
    const lost = await run(['admin', 'invite'], away);
    expect([lost.code, lost.stdout]).toEqual([1, '']);
    expect(lost.stderr).toContain('PostgreSQL cannot be reached: ');
  });

  it('says what a server needs and has not, each with its mend', async () => {
    const { port } = new URL(server.url);
    const well = await run(['doctor', '--json'], { ...settings, PORT: port });
    const { ok, findings } = JSON.parse(well.stdout);
    expect(findings.filter(({ state }: { state: string }) => state === 'fault')).toEqual([]);
    expect([well.code, ok, well.stderr]).toEqual([0, true, '']);
    const states = Object.fromEntries(
      findings.map(({ what, state }: { what: string; state: string }) => [what, state]),
    );
    expect(states).toMatchObject({
      Node: 'good',
      Settings: 'good',
      Port: 'good',
      Database: 'good',
    });
    const ill = await run(['doctor'], {
      ...{ ...settings, DATABASE_URL: 'postgres://127.0.0.1:9/none' },
      ...{ REDIS_URL: 'redis://127.0.0.1:9' },
    });
    expect(ill.code).toBe(1);
    expect(ill.stdout).toMatch(/✖ Database: .+\n {4}Start PostgreSQL/);
    expect(ill.stdout).toMatch(/✖ Redis: 127\.0\.0\.1: ECONNREFUSED\n {4}Start it/);
    const unset = await run(['doctor'], { ...settings, PORT: 'seven' });
    expect([unset.code, unset.stdout]).toEqual([1, expect.stringMatching(/✖ Settings: [^]*PORT/)]);
  });

  it('shows how far it is on a terminal, and leaves nothing of it there', async () => {
    const code = `
      import { Progress } from ${JSON.stringify(join(ROOT, 'cli/progress.mjs'))};
      const shown = [];
      const bar = new Progress('reading x', { isTTY: true, write: (text) => shown.push(text) });
      bar.show(1, 4, '1 conversations');
      bar.end();
      new Progress('reading x', { isTTY: false, write: () => shown.push('!') }).show(1, 4);
      console.log(JSON.stringify(shown));`;
    const { stdout } = await node(['--input-type=module', '--eval', code]);
    const bar = `${'█'.repeat(8)}${'░'.repeat(22)}`;
    expect(JSON.parse(stdout)).toEqual([
      `\r\x1b[Kreading x ${bar}  25 % 1 conversations`,
      '\r\x1b[K',
    ]);
  });

  it('is there as `npx banyan` in the folder of the project', async () => {
    const child = await exec('npx', ['--no-install', 'banyan', '--version'], { cwd: ROOT });
    expect(child.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it('exports to stdout and to a file that is there when it is whole', async () => {
    const { stdout } = await run(['export']);
    expect(stdout).toMatch(/^\{"format":"banyan","version":1\}\n/);
    await run(['export', '-o', 'all.jsonl']);
    expect(readFileSync(join(folder, 'all.jsonl'), 'utf8')).toBe(stdout);
  });

  it('says by its exit code what is wrong, and on stderr how to mend it', async () => {
    const runs: [string[], Record<string, string>, number, RegExp][] = [
      [['import', 'nothing.json'], {}, 1, /cannot be read/],
      [['import'], {}, 2, /missing required argument/],
      [['sing'], {}, 2, /unknown command/],
      [['tree'], { BANYAN_URL: 'http://127.0.0.1:9' }, 3, /does not answer/],
      [['tree'], { BANYAN_TOKEN: '' }, 4, /BANYAN_TOKEN/],
      [['tree'], { BANYAN_TOKEN: 'nonsense' }, 4, /token/],
      [['export', '00000000-0000-4000-8000-000000000000'], {}, 1, /no such chat/],
    ];
    for (const [args, env, wanted, what] of runs) {
      const { code, stderr } = await run(args, env);
      expect([args, code]).toEqual([args, wanted]);
      expect(stderr).toMatch(what);
    }
    const { code, stdout } = await run(['--help']);
    expect(code).toBe(0);
    for (const name of ['start', 'import', 'export', 'search', 'tree', 'fsck', 'doctor']) {
      expect(stdout).toContain(`  ${name}`);
      const help = await run([name, '--help']);
      expect([name, help.code, help.stdout]).toEqual([name, 0, expect.stringMatching(/usage:/i)]);
    }
  });
});
