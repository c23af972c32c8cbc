import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chownSync,
  existsSync,
  mkdtempSync,
  rmSync,
  rmdirSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createConnection } from 'mongoose';
import { Journal } from '../../src/content/journal.js';
import { StoreWrites } from '../../src/content/store-writes.js';
import {
  createDatabase,
  mongoUriFor,
  startTestApp,
  type TestApp,
  withClient,
} from '../support/app.js';
import { TestClient } from '../support/client.js';

/** PostgreSQL cannot pack it, so it needs new pages. */
const LONG = randomBytes(60_000).toString('base64');
const DISK = { size: '64m', files: 'banyan-disk-' };

const readiness = async ({ url, app }: TestApp): Promise<any> => {
  await app.get(StoreWrites, { strict: false }).look();
  // Whoever waits for a store waits each time; of a busy machine the quickest of three counts.
  for (let n = 1; ; n++) {
    const started = performance.now();
    const answer = await fetch(`${url}/readyz`);
    const isQuick = performance.now() - started < 1500;
    if (!isQuick && n < 3) continue;
    expect([answer.status, isQuick]).toEqual([200, true]);
    return answer.json();
  }
};

/**
 * A small disk for one database. Null where the tests may not mount one, or PostgreSQL is on
 * another machine.
 */
async function aSmallDisk(): Promise<string | null> {
  if (process.getuid?.() !== 0 || process.platform !== 'linux') return null;
  const [{ data_directory: cluster }] = await withClient(
    process.env.TEST_DATABASE_URL!,
    async (client) => (await client.query('SHOW data_directory')).rows,
  );
  const folder = mkdtempSync(join(tmpdir(), DISK.files));
  if (
    existsSync(cluster) &&
    spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK.size}`, 'tmpfs', folder]).status === 0
  ) {
    const { uid, gid } = statSync(cluster);
    chownSync(folder, uid, gid);
    return folder;
  }
  rmdirSync(folder);
  return null;
}

const disk = await aSmallDisk();
if (!disk)
  process.stderr.write(
    'Left out: PostgreSQL on a full disk. Only root may mount a small one, beside the PostgreSQL of the tests.\n',
  );

(disk ? describe : describe.skip)('PostgreSQL on a full disk (S7g)', () => {
  const space = `small_${process.pid}`;
  const filler = join(disk ?? '', 'filler');
  let server: TestApp;
  let ann: TestClient;

  beforeAll(async () => {
    const url = await createDatabase();
    const name = new URL(url).pathname.slice(1);
    await withClient(process.env.TEST_DATABASE_URL!, async (client) => {
      await client.query(`CREATE TABLESPACE ${space} LOCATION '${disk}'`);
      await client.query(`ALTER DATABASE ${name} SET TABLESPACE ${space}`);
    });
    server = await startTestApp('postgres', { LOG_LEVEL: 'silent' }, url);
    ann = await TestClient.register(server.url);
  });
  afterAll(async () => {
    rmSync(filler, { force: true });
    await server.close();
    await withClient(process.env.TEST_DATABASE_URL!, async (client) => {
      await client.query(
        `DROP DATABASE ${new URL(server.databaseUrl).pathname.slice(1)} WITH (FORCE)`,
      );
      await client.query(`DROP TABLESPACE ${space}`);
    });
    spawnSync('umount', [disk!]);
    rmdirSync(disk!);
  });

  const fill = (): void => {
    for (const bytes of [1 << 20, 1 << 12]) {
      try {
        for (;;) writeFileSync(filler, Buffer.alloc(bytes), { flag: 'a' });
      } catch (error) {
        expect((error as NodeJS.ErrnoException).code).toBe('ENOSPC');
      }
    }
  };

  it('is told by /readyz and by every post, which is refused; what is there can be read; and all is well when there is room again', async () => {
    const { id, pairs } = await ann.aChat(1);
    expect(await readiness(server)).toMatchObject({
      status: 'ready',
      stores: { postgres: { status: 'up' } },
    });
    fill();
    const full = {
      status: 'refusing',
      detail: 'PostgreSQL takes no writes: its disk is full.',
      mode: 'external',
    };
    expect(await readiness(server)).toMatchObject({
      status: 'degraded',
      stores: { postgres: full, content: full },
    });
    const refused = await ann.post(`/chats/${id}/messages`, { question: LONG, response: 'x' });
    expect([refused.status, refused.body.code, refused.body.detail]).toEqual([
      503,
      'store_unavailable',
      full.detail,
    ]);
    expect(refused.headers.get('retry-after')).toBe('10');
    expect((await ann.get(`/chats/${id}/messages/${pairs[0]}`)).status).toBe(200);
    rmSync(filler);
    expect((await readiness(server)).status).toBe('ready');
    expect(
      (await ann.post(`/chats/${id}/messages`, { question: LONG, response: 'x' })).status,
    ).toBe(201);
  });
});

// the run says at its end that MongoDB was left out
const withMongo = process.env.TEST_MONGODB_URI ? describe : describe.skip;

withMongo('a MongoDB that refuses every write (S7g)', () => {
  it('is told by /readyz; posts are journaled while there is room, and then refused by the name of the bound', async () => {
    const url = await createDatabase();
    const raw = await createConnection(mongoUriFor(url)).asPromise();
    // Views answer like collections, and take no writes.
    for (const name of ['chat_contents', 'write_tries'])
      await raw.createCollection(name, { viewOn: 'nothing', pipeline: [] });
    const server = await startTestApp('mongo', { JOURNAL_MAX_ROWS: '2', LOG_LEVEL: 'silent' }, url);
    try {
      const { status, stores } = await readiness(server);
      expect([status, stores.content.status, stores.postgres.status]).toEqual([
        'degraded',
        'refusing',
        'up',
      ]);
      expect(stores.content.detail).toMatch(/^MongoDB takes no writes: [\w ]+\.$/);
      const ann = await TestClient.register(server.url);
      const { id } = await ann.aChat();
      for (const question of ['first', 'second']) {
        const { status: posted, headers } = await ann.post(`/chats/${id}/messages`, {
          question,
          response: 'x',
        });
        expect([posted, headers.get('content-state')]).toEqual([201, 'journaled']);
      }
      await server.app.get(Journal, { strict: false }).measure();
      const refused = await ann.post(`/chats/${id}/messages`, { question: 'third', response: 'x' });
      expect([refused.status, refused.body.detail]).toEqual([
        503,
        expect.stringContaining('JOURNAL_MAX_ROWS'),
      ]);
      expect((await ann.get(`/chats/${id}/messages`)).body.qa_pairs).toHaveLength(2);
    } finally {
      await server.close();
      await raw.close();
    }
  });
});
