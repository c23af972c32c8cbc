import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '../../src/common/ids.js';
import type { Files as FilesService } from '../../src/modules/file/files.service.js';
import { startTestApp, type TestApp, withClient } from '../support/app.js';

const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);
const dataUrl = (type: string, bytes: Buffer): string =>
  `data:${type};base64,${bytes.toString('base64')}`;

describe('files of an account', () => {
  let server: TestApp;
  let files: FilesService;

  beforeAll(async () => {
    server = await startTestApp('postgres', {
      FILE_BYTES_MAX: '1000000',
      FILES_PER_ACCOUNT_MB: '2',
    });
    const { Files } = await import('../../src/modules/file/files.service.js');
    files = server.app.get(Files, { strict: false });
  });
  afterAll(() => server.close());

  const blobsOf = (accountId: string): Promise<number> =>
    withClient(server.databaseUrl, async (client) => {
      const { rows } = await client.query(
        'SELECT count(*)::int AS n FROM file_blobs WHERE account_id = $1',
        [accountId],
      );
      return rows[0].n;
    });

  it('of the same bytes have two ids, and are kept once', async () => {
    const [accountId, bytes] = [newId(), randomBytes(300_000)];
    const first = await files.keep(accountId, bytes, { name: 'a' });
    const second = await files.keep(accountId, Readable.from([bytes]), { name: 'b' });
    expect(second.file_id).not.toBe(first.file_id);
    expect(await blobsOf(accountId)).toBe(1);
    await files.remove(accountId, first.file_id);
    expect((await files.readWhole(accountId, second.file_id)).equals(bytes)).toBe(true);
    await files.remove(accountId, second.file_id);
    expect(await blobsOf(accountId)).toBe(0);
  });

  it('are each a file, and the bytes kept once, where many come with the same at once', async () => {
    const [accountId, bytes] = [newId(), randomBytes(100_000)];
    const made = await Promise.all(
      Array.from({ length: 12 }, (_, n) =>
        files.keep(accountId, n % 2 ? bytes : Readable.from([bytes])),
      ),
    );
    expect(new Set(made.map((file) => file.file_id)).size).toBe(12);
    expect(await blobsOf(accountId)).toBe(1);
  });

  it('are not read, found or removed by others', async () => {
    const { file_id: id } = await files.keep(newId(), PNG);
    for (const work of ['find', 'read', 'remove'] as const)
      await expect(files[work](newId(), id)).rejects.toMatchObject({
        kind: { code: 'file_not_found' },
      });
  });

  it('come out of data URLs as what they are', async () => {
    const accountId = newId();
    const picture = await files.keepDataUrl(accountId, dataUrl('image/png', PNG), {
      name: 'dot.png',
    });
    expect(picture).toMatchObject({ name: 'dot.png', media_type: 'image/png', bytes: PNG.length });
    const text = await files.keepDataUrl(accountId, 'data:,two%20w%C3%B6rds');
    expect((await files.readWhole(accountId, text.file_id)).toString()).toBe('two wörds');
  });

  it.each([
    ['base64 that is none', 'data:image/png;base64,iVBOR*w0KGgo='],
    ['base64 that is cut', 'data:image/png;base64,iVBOR'],
    ['a text that is said to be a picture', dataUrl('image/png', Buffer.from('no picture'))],
    ['a picture that is said to be a PDF', dataUrl('application/pdf', PNG)],
    ['no data URL', 'data:nothing'],
    ['half a percent code', 'data:,%2'],
  ])('are not made of %s', async (_, url) => {
    const accountId = newId();
    await expect(files.keepDataUrl(accountId, url, { path: 'input.0' })).rejects.toMatchObject({
      kind: { status: 422 },
      details: { errors: [{ path: 'input.0' }] },
    });
    expect((await files.list(accountId, { limit: 10 })).items).toEqual([]);
    expect(await blobsOf(accountId)).toBe(0);
  });

  it('have an end: one by itself, and all of an account together', async () => {
    const accountId = newId();
    await expect(files.keep(accountId, randomBytes(1_000_001))).rejects.toMatchObject({
      kind: { code: 'body_too_large' },
    });
    const endless = Readable.from(
      (function* () {
        for (;;) yield randomBytes(100_000);
      })(),
    );
    await expect(files.keep(accountId, endless)).rejects.toMatchObject({
      kind: { code: 'body_too_large' },
    });
    expect(endless.destroyed).toBe(true);
    const one = await files.keep(accountId, randomBytes(1_000_000));
    await files.keep(accountId, randomBytes(1_000_000));
    const third = randomBytes(1_000_000);
    await expect(files.keep(accountId, third)).rejects.toMatchObject({
      kind: { code: 'files_full' },
    });
    await files.remove(accountId, one.file_id);
    await files.keep(accountId, third);
  });
});
