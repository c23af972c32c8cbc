import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import mongoose from 'mongoose';
import { newId } from '../../src/common/ids.js';
import { type BlobRef, type FileStore, FileStores } from '../../src/files/file-store.js';
import { LeftoversJob } from '../../src/modules/maintenance/files.jobs.js';
import { runFsck, violationsOf } from '../crash/fsck.js';
import {
  type Mode,
  MODES,
  mongoUriFor,
  startTestApp,
  type TestApp,
  withClient,
} from '../support/app.js';
import { TestClient } from '../support/client.js';
import { aForm } from '../support/forms.js';
import { type S3Server, startS3 } from '../support/s3-server.js';

/** Made in a time that is long ago. */
const OLD_ID = '01800000-0000-7000-8000-000000000001';
/** So large that MongoDB keeps it apart of the pair. */
const LARGE = 'x'.repeat(20_000);

async function* only(bytes: Buffer): AsyncIterable<Buffer> {
  yield bytes;
}

describe.each([...MODES, 's3'] as const)('fsck, files in the store of %s', (kind) => {
  const mode: Mode = kind === 'mongo' ? 'mongo' : 'postgres';
  let s3: S3Server | null = null;
  let settings: Record<string, string> = {};
  let server: TestApp;
  let ann: TestClient;
  let store: FileStore;

  beforeAll(async () => {
    if (kind === 's3') {
      s3 = await startS3();
      settings = {
        FILE_STORE: s3.address,
        S3_ACCESS_KEY_ID: s3.keys.accessKeyId,
        S3_SECRET_ACCESS_KEY: s3.keys.secretAccessKey,
      };
    }
    // The journal keeps its rows, so that the relay mends no damage before fsck sees it.
    server = await startTestApp(mode, { JOURNAL_RETENTION_SECONDS: '3600', ...settings });
    ann = await TestClient.register(server.url);
    store = server.app.get(FileStores, { strict: false }).main;
  }, 60_000);
  afterAll(async () => {
    await server?.close();
    await s3?.stop();
  });

  const env = (): Record<string, string> => ({
    DATABASE_URL: server.databaseUrl,
    ...settings,
    ...(mode === 'mongo' && { MONGODB_URI: mongoUriFor(server.databaseUrl) }),
  });
  const sql = (text: string, values: unknown[] = []): Promise<any[]> =>
    withClient(server.databaseUrl, async (client) => (await client.query(text, values)).rows);
  const examplesOf = (run: { report: any }): any[] =>
    run.report.invariants.flatMap((one: any) => one.examples);
  /** What is wrong with bytes. */
  const faultsOf = (run: { report: any }): object[] =>
    examplesOf(run)
      .filter(({ ids }) => ids.blob_id)
      .map(({ what, ids }) => ({ what, id: ids.blob_id }))
      .sort((one, other) => one.what.localeCompare(other.what));
  const aBlob = async (): Promise<BlobRef> => {
    const bytes = randomBytes(300_000);
    const { body } = await ann.request('POST', '/api/v1/files', aForm({ bytes }));
    const [row] = await sql(
      `SELECT b.blob_id FROM file_blobs b JOIN files f USING (account_id, sha256) WHERE f.file_id = $1`,
      [body.file_id],
    );
    return { accountId: ann.accountId, blobId: row.blob_id };
  };

  it('finds bytes without a file and has them removed; and files without their bytes, which no repair brings back', async () => {
    await aBlob();
    expect(violationsOf(await runFsck(env(), '--json', '--quick'))).toEqual({});
    const stray = { accountId: ann.accountId, blobId: newId() };
    await store.write(stray, only(randomBytes(1000)));
    const lost = await aBlob();
    await store.remove(lost);
    const found = [
      { what: 'a store has bytes that nobody knows of', id: stray.blobId },
      { what: 'the bytes of a file are not in their store', id: lost.blobId },
    ];
    expect(faultsOf(await runFsck(env(), '--json', '--quick'))).toEqual(found);
    expect(faultsOf(await runFsck(env(), '--json', '--repair', '--quick'))).toEqual(found.slice(1));
    await server.app.get(LeftoversJob, { strict: false }).run(new AbortController().signal);
    expect(await store.sizeOf(stray)).toBeNull();
  }, 120_000);

  if (kind === 's3')
    it('does not begin where the bucket cannot be reached, and shows no key', async () => {
      const wrong = env()['FILE_STORE']!.replace('banyan-files', 'no-such-bucket');
      const run = await runFsck({ ...env(), FILE_STORE: wrong }, '--json', '--quick');
      expect(run.code).toBe(2);
      expect(run.stderr).toContain('The bucket of FILE_STORE cannot be reached');
      expect(run.stdout + run.stderr).not.toContain(s3!.keys.secretAccessKey);
    }, 60_000);

  if (kind !== 's3')
    it('finds parts that are gone or others than they were', async () => {
      const pairs: any[] = [];
      for (const name of ['gone', 'other', 'well']) {
        const { id } = await ann.aChat();
        const { body } = await ann.post(`/chats/${id}/messages`, {
          question_parts: [{ type: 'data', name, value: LARGE }],
          response: 'Thank you.',
        });
        pairs.push(body);
      }
      const [gone, other] = pairs;
      if (mode === 'mongo') {
        await sql('DELETE FROM content_journal WHERE chat_id = $1', [gone.chat_id]);
        await inParts(async (parts) => {
          await parts.deleteOne({ chat_id: gone.chat_id });
          await parts.updateOne({ chat_id: other.chat_id }, { $set: { question_parts: '[]' } });
          await parts.insertOne({
            ...{ _id: `${randomUUID()}:1`, account_id: ann.accountId, root_chat_id: randomUUID() },
            ...{ chat_id: randomUUID(), seq: 1, response_id: OLD_ID, version: 1 },
            ...{ question_parts: '[]', response_parts: null, settings: null },
          });
        });
      } else {
        await sql('DELETE FROM chat_contents WHERE chat_id = $1', [gone.chat_id]);
        await sql(`UPDATE chat_contents SET body = replace(body, 'xxx', 'y') WHERE chat_id = $1`, [
          other.chat_id,
        ]);
      }
      const ids = (run: { report: any }): string[] =>
        examplesOf(run)
          .flatMap(({ ids: { response_id: id } }) => id ?? [])
          .sort();
      // What the journal of MongoDB has still is healed, and no fault; PostgreSQL has one copy.
      const hurt = mode === 'mongo' ? [gone.response_id] : [gone.response_id, other.response_id];
      const found = await runFsck(env(), '--json', '--quick');
      expect(ids(found)).toEqual([...hurt, ...(mode === 'mongo' ? [OLD_ID] : [])].sort());
      expect(ids(await runFsck(env(), '--json', '--repair', '--quick'))).toEqual(hurt.sort());
      if (mode === 'postgres') return;
      await inParts(async (parts) => {
        const healed = await parts.findOne({ chat_id: other.chat_id });
        expect(healed.question_parts).toContain(LARGE);
      });
    }, 120_000);

  async function inParts(
    work: (parts: mongoose.mongo.Collection<any>) => Promise<void>,
  ): Promise<void> {
    const connection = await mongoose.createConnection(mongoUriFor(server.databaseUrl)).asPromise();
    await work(connection.db!.collection('chat_parts'));
    await connection.close();
  }
});
