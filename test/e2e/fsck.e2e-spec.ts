import { randomUUID } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import mongoose from 'mongoose';
import { type FsckRun, runFsck, violationsOf } from '../crash/fsck.js';
import { MODES, mongoUriFor, startTestApp, type TestApp, withClient } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { processesOn, ServerProcess } from '../support/server-process.js';
import { type Damage, DAMAGES, WORD } from './fsck-damages.js';

interface Victim {
  account: string;
  root: string;
  branch: string;
}

describe.each(MODES)('fsck, words in %s', (mode) => {
  const damages = DAMAGES.filter(({ only }) => !only || only === mode);
  let server: TestApp;

  beforeAll(async () => {
    // The journal keeps its rows, so that a damage of MongoDB is not mended by the relay before
    // fsck sees it.
    server = await startTestApp(mode, { JOURNAL_RETENTION_SECONDS: '3600' });
  });
  afterAll(() => server.close());

  const env = (): Record<string, string> => ({
    DATABASE_URL: server.databaseUrl,
    ...(mode === 'mongo' && { MONGODB_URI: mongoUriFor(server.databaseUrl) }),
  });

  /** A conversation with branches, some of it made with keys, of an account of its own. */
  async function aVictim(): Promise<Victim> {
    const ann = await TestClient.register(server.url);
    const root = await ann.aChat(2);
    await ann.post(
      `/chats/${root.id}/messages`,
      { question: WORD, response: 'an island' },
      { 'idempotency-key': randomUUID() },
    );
    const { body } = await ann.post(
      `/chats/${root.id}/branches`,
      { response_id: root.pairs[1] },
      { 'idempotency-key': randomUUID() },
    );
    await ann.append(body.chat_id, 'elsewhere');
    await ann.aBranch(body.chat_id, root.pairs[0]!);
    await ann.delete(`/chats/${await ann.aBranch(root.id, null)}`);
    return { account: ann.accountId, root: root.id, branch: body.chat_id };
  }

  async function harm({ sql, mongo }: Damage, ids: Victim): Promise<void> {
    const values: Record<string, string> = { ...ids, uuid: randomUUID() };
    const text = sql?.replace(
      /\$(account|root|branch|uuid)/g,
      (_all, name: string) => `'${values[name]}'`,
    );
    if (text) await withClient(server.databaseUrl, (client) => client.query(text));
    if (!mongo) return;
    const connection = await mongoose.createConnection(mongoUriFor(server.databaseUrl)).asPromise();
    await mongo(connection.db!.collection('chat_contents'), ids.root);
    await connection.close();
  }

  /** The invariants that are violated in what belongs to the account. */
  const violatedFor = (run: FsckRun, { account, root }: Victim): string[] =>
    run.report.invariants
      .filter((one: any) =>
        one.examples.some(
          ({ ids }: any) => ids.account_id === account || ids.bucket?.startsWith(root),
        ),
      )
      .map((one: any) => one.id);

  it('finds nothing wrong on a healthy server, and says what it looked at', async () => {
    await aVictim();
    const plain = await runFsck(env());
    expect(plain.stdout).toMatch(/^ok {3}I6 .*\(4 chats, \d+ ms\)$/m);
    expect(plain.stdout).toContain('Everything holds');
    expect(plain.code).toBe(0);
    const { report, code } = await runFsck(env(), '--json');
    expect([code, report.ok, report.content, report.repaired]).toEqual([0, true, mode, null]);
    expect(report.invariants.find((one: any) => one.id === 'I3')).toMatchObject({
      checked: { pairs: 4 },
      violations: 0,
      examples: [],
    });
  });

  describe('on a damaged server', () => {
    const victims = new Map<Damage, Victim>();
    let healthy: Victim;
    let found: FsckRun;
    let mended: FsckRun;

    beforeAll(async () => {
      healthy = await aVictim();
      for (const damage of damages) victims.set(damage, await aVictim());
      for (const [damage, victim] of victims) await harm(damage, victim);
      found = await runFsck(env(), '--json', '--quick');
      mended = await runFsck(env(), '--json', '--repair', '--quick');
    }, 240_000);

    it.each(damages.map((damage) => [damage.name, damage] as const))(
      'finds that %s',
      (_name, damage) => {
        const victim = victims.get(damage)!;
        expect(violatedFor(found, victim)).toEqual(
          [damage.invariant, ...(damage.too ?? [])].sort(),
        );
        expect(violatedFor(mended, victim)).toEqual(
          damage.mended ? [] : violatedFor(found, victim),
        );
      },
    );

    it('blames nobody else, counts what it mended and ends with 1', () => {
      expect([...violatedFor(found, healthy), ...violatedFor(mended, healthy)]).toEqual([]);
      expect([found.code, mended.code]).toEqual([1, 1]);
      const hopeless = new Set(
        damages
          .filter((damage) => !damage.mended)
          .flatMap(({ invariant, too = [] }) => [invariant, ...too]),
      );
      expect(new Set(Object.keys(violationsOf(mended)))).toEqual(hopeless);
      expect(Object.keys(mended.report.repaired).sort()).toEqual(
        [
          ...new Set(
            damages.filter((one) => one.mended || one.mendsBeside).map((one) => one.invariant),
          ),
        ].sort(),
      );
    });

    it('shows no words and no keys', () => {
      expect(found.stdout + found.stderr + mended.stdout).not.toContain(WORD);
      expect(found.stdout).not.toContain('idempotency-key');
    });
  });
});

it('says what it is for, and refuses what it does not know', async () => {
  expect((await runFsck({}, '--help')).stdout).toContain('--repair');
  expect((await runFsck({}, '--repairs')).code).toBe(2);
  expect(await runFsck({ DATA_DIR: '/nowhere' }, '--json')).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringContaining('DATA_DIR'),
  });
});

describe('fsck of the databases that the server starts itself', () => {
  it('finds them while the server runs, and starts them while it does not, even right after kill -9', async () => {
    const cwd = mkdtempSync(join(tmpdir(), 'banyan-fsck-'));
    chmodSync(cwd, 0o755); // as root PostgreSQL runs as another user
    const env = { DATA_DIR: join(cwd, 'data') };
    const server = await ServerProcess.ready({ cwd });
    try {
      await (await TestClient.register(server.url)).aChat(3);
      const beside = await runFsck(env, '--json');
      expect([beside.code, beside.report?.ok, beside.stderr]).toEqual([0, true, '']);
      server.kill();
      const after = await runFsck(env, '--json', '--repair');
      expect([after.code, after.report?.ok, after.stderr]).toEqual([0, true, '']);
      expect(after.report.invariants.find((one: any) => one.id === 'I3').checked).toEqual({
        pairs: 3,
      });
    } finally {
      server.kill();
      await server.exit();
      for (let n = 0; processesOn(cwd).length > 0 && n < 200; n++) await sleep(50);
      rmSync(cwd, { recursive: true, force: true });
    }
  });
});
