import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { newId } from '../../src/common/ids.js';
import { type BlobRef, BytesMissingError, type FileStore } from '../../src/files/file-store.js';

export interface FileStoreUnderTest {
  store: FileStore;
  close(): Promise<void>;
}

const MIB = 1024 * 1024;
/** Around the sizes of pieces that stores cut bytes into. */
const SIZES = [
  0,
  1,
  255 * 1024,
  256 * 1024,
  256 * 1024 + 1,
  5 * MIB,
  8 * MIB,
  8 * MIB + 1,
  17 * MIB,
];

const aBlob = (accountId = newId()): BlobRef => ({ accountId, blobId: newId() });

/** Bytes as a client sends them: in pieces of its own. */
async function* inChunks(bytes: Buffer, chunkBytes: number): AsyncIterable<Buffer> {
  for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
}

async function whole(pieces: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const piece of pieces) all.push(piece);
  return Buffer.concat(all);
}

/** What every store of files does, whatever it is made of. */
export function fileStoreContract(open: () => Promise<FileStoreUnderTest>): void {
  let under: FileStoreUnderTest;
  let store: FileStore;

  beforeAll(async () => {
    under = await open();
    store = under.store;
  });
  afterAll(() => under?.close());

  const put = async (blob: BlobRef, bytes: Buffer, chunkBytes = 64 * 1024): Promise<void> =>
    store.write(blob, inChunks(bytes, chunkBytes));

  it.each(SIZES)('gives back %i bytes as they were', async (size) => {
    const [blob, bytes] = [aBlob(), randomBytes(size)];
    await put(blob, bytes, 100_000);
    expect(await store.sizeOf(blob)).toBe(size);
    expect((await whole(store.read(blob, { from: 0, to: size }))).equals(bytes)).toBe(true);
  });

  it('gives any range of them, to the byte', async () => {
    const [blob, bytes] = [aBlob(), randomBytes(700_000)];
    await put(blob, bytes);
    const ends = fc.tuple(fc.nat(bytes.length), fc.nat(bytes.length));
    await fc.assert(
      fc.asyncProperty(ends, async ([one, other]) => {
        const [from, to] = [Math.min(one, other), Math.max(one, other)];
        fc.pre(from < to);
        const found = await whole(store.read(blob, { from, to }));
        expect(found.equals(bytes.subarray(from, to))).toBe(true);
      }),
      {
        numRuns: 25,
        examples: [[[0, 1]], [[262_144, 262_145]], [[261_120, 522_240]], [[699_999, 700_000]]],
      },
    );
  });

  it('takes pieces of any size, one byte or many MiB', async () => {
    const bytes = randomBytes(3 * MIB);
    const [small, large] = [aBlob(), aBlob()];
    await put(small, bytes.subarray(0, 3000), 1);
    await put(large, bytes, bytes.length);
    expect(await whole(store.read(small, { from: 0, to: 3000 }))).toEqual(bytes.subarray(0, 3000));
    expect((await whole(store.read(large, { from: 0, to: bytes.length }))).equals(bytes)).toBe(
      true,
    );
  });

  it('says of what is not there that it is missing, and never gives fewer bytes than are asked for', async () => {
    const blob = aBlob();
    expect(await store.sizeOf(blob)).toBeNull();
    await expect(whole(store.read(blob, { from: 0, to: 1 }))).rejects.toThrow(BytesMissingError);
    await put(blob, randomBytes(10));
    await expect(whole(store.read(blob, { from: 0, to: 11 }))).rejects.toThrow(BytesMissingError);
  });

  it('knows nothing of a blob under another account', async () => {
    const blob = aBlob();
    await put(blob, randomBytes(10));
    const foreign = { ...blob, accountId: newId() };
    expect(await store.sizeOf(foreign)).toBeNull();
    await store.remove(foreign);
    expect(await store.sizeOf(blob)).toBe(10);
  });

  it('removes a blob, and one that is not there', async () => {
    const blob = aBlob();
    await put(blob, randomBytes(300_000));
    await store.remove(blob);
    await store.remove(blob);
    expect(await store.sizeOf(blob)).toBeNull();
  });

  it('fails as its source does, and removes what came before', async () => {
    const blob = aBlob();
    async function* broken(): AsyncIterable<Buffer> {
      yield randomBytes(6 * MIB);
      throw new Error('the client has gone');
    }
    await expect(store.write(blob, broken())).rejects.toThrow('the client has gone');
    await store.remove(blob);
    expect(await store.sizeOf(blob)).toBeNull();
  });

  it('stops reading where nobody wants the rest', async () => {
    const blob = aBlob();
    await put(blob, randomBytes(5 * MIB));
    let read = 0;
    for await (const piece of store.read(blob, { from: 0, to: 5 * MIB })) {
      read += piece.length;
      break;
    }
    expect(read).toBeLessThan(3 * MIB);
  });

  it('lists its blobs in pages, each once', async () => {
    const blobs = [aBlob(), aBlob(), aBlob()];
    for (const blob of blobs) await put(blob, randomBytes(3));
    const listed: BlobRef[] = [];
    for (let page = await store.page(null, 2); page.length > 0;) {
      listed.push(...page);
      page = await store.page(page.at(-1)!, 2);
    }
    const names = listed.map(({ accountId, blobId }) => `${accountId}/${blobId}`);
    expect(new Set(names).size).toBe(names.length);
    for (const { accountId, blobId } of blobs) expect(names).toContain(`${accountId}/${blobId}`);
  });
}
