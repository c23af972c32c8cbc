import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TestClient } from '../support/client.js';
import { chatGpt, type Said } from '../support/exports.js';
import { type SharedServer, sharedServer } from '../support/shared-server.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
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
  let server: SharedServer;
  let ann: TestClient;
  let folder: string;
  beforeAll(async () => {
    server = await sharedServer();
    ann = await TestClient.register(server.url);
    folder = mkdtempSync(join(tmpdir(), 'banyan-cli-'));
    const file = [chatGpt('m', SAID, { title: 'Midnight sun' })];
    writeFileSync(join(folder, 'conversations.json'), JSON.stringify(file));
  });
  afterAll(() => server.close());

  const run = (args: string[], env: Record<string, string> = {}): Promise<Run> =>
    new Promise((resolve) =>
      execFile(
        process.execPath,
        [join(ROOT, 'cli/banyan.mjs'), ...args],
        {
          cwd: folder,
          env: {
            PATH: process.env.PATH,
            BANYAN_URL: server.url,
            BANYAN_TOKEN: ann.token!,
            ...env,
          },
        },
        (error, stdout, stderr) => resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
      ),
    );

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
    for (const name of ['start', 'import', 'export', 'search', 'tree', 'fsck', 'doctor'])
      expect(stdout).toContain(`  ${name}`);
  });
});
