import { Readable } from 'node:stream';
import { type Entry, fromRandomAccessReader, RandomAccessReader, type ZipFile } from 'yauzl';
import { Unreadable } from '../../formats/source.js';

/** Bytes that can be read from anywhere. */
export interface Bytes {
  size: number;
  /** Those from `from` on, before `to`. */
  read(from: number, to: number): AsyncIterable<Buffer>;
}

/** A zip holds no more conversations than that, unpacked. */
const UNPACKED_BYTES_MAX = 4 * 1024 ** 3;
const ENTRIES_MAX = 200_000;
/** Text is packed to a twentieth at best; what promises more is no text. */
const RATIO_MAX = 200;
const RATIO_FROM_BYTES = 16 * 1024 ** 2;

class ReaderOver extends RandomAccessReader {
  constructor(private readonly bytes: Bytes) {
    super();
  }

  override _readStreamForRange(start: number, end: number): Readable {
    return Readable.from(this.bytes.read(start, end), { objectMode: false });
  }
}

export const isZip = (head: Buffer): boolean =>
  head.length >= 4 && (head.readUInt32BE(0) === 0x504b0304 || head.readUInt32BE(0) === 0x504b0506);

/** A zip: what is in it is read from where it lies, and never written to any path. */
export class Archive {
  private constructor(
    private readonly zip: ZipFile,
    private readonly entries: ReadonlyMap<string, Entry>,
  ) {}

  /** @throws Unreadable when it is damaged, a bomb, or names paths outside of itself */
  static async open(bytes: Bytes): Promise<Archive> {
    const zip = await opened(bytes);
    const entries = new Map<string, Entry>();
    let packed = 0;
    for await (const entry of entriesOf(zip)) {
      if (entries.size >= ENTRIES_MAX)
        throw new Unreadable('zip_too_many_files', `The zip has more than ${ENTRIES_MAX} files.`);
      // Entries that lie over each other are the trick of small bombs.
      packed += entry.compressedSize;
      if (packed > bytes.size || isBomb(entry)) throw bomb();
      if (!entry.fileName.endsWith('/')) entries.set(entry.fileName, entry);
    }
    return new Archive(zip, entries);
  }

  get names(): string[] {
    return [...this.entries.keys()];
  }

  sizeOf(name: string): number {
    return this.entries.get(name)!.uncompressedSize;
  }

  /** @throws Unreadable as it is read, where it is damaged */
  async *read(name: string): AsyncGenerator<Buffer> {
    const entry = this.entries.get(name)!;
    try {
      yield* await this.streamOf(entry);
    } catch (error) {
      throw error instanceof Unreadable ? error : damaged(error as Error);
    }
  }

  close(): void {
    this.zip.close();
  }

  private streamOf(entry: Entry): Promise<Readable> {
    return new Promise((resolve, reject) =>
      this.zip.openReadStream(entry, (error, stream) => (error ? reject(error) : resolve(stream))),
    );
  }
}

const isBomb = ({ compressedSize, uncompressedSize }: Entry): boolean =>
  uncompressedSize > UNPACKED_BYTES_MAX ||
  (uncompressedSize > RATIO_FROM_BYTES && uncompressedSize > compressedSize * RATIO_MAX);

const bomb = (): Unreadable =>
  new Unreadable('zip_bomb', 'The zip would become far larger than any export: it is refused.');

const damaged = ({ message }: Error): Unreadable =>
  /invalid relative path|absolute path|invalid characters/.test(message)
    ? new Unreadable('zip_unsafe_name', `The zip names a path outside of itself: ${message}.`)
    : new Unreadable(
        'zip_damaged',
        `The zip is damaged or cut off (${message}): export it again, and send all of it.`,
      );

function opened(bytes: Bytes): Promise<ZipFile> {
  return new Promise((resolve, reject) =>
    fromRandomAccessReader(
      new ReaderOver(bytes),
      bytes.size,
      { lazyEntries: true, autoClose: false, validateEntrySizes: true },
      (error, zip) => (error ? reject(damaged(error)) : resolve(zip)),
    ),
  );
}

async function* entriesOf(zip: ZipFile): AsyncGenerator<Entry> {
  for (;;) {
    const entry = await new Promise<Entry | null>((resolve, reject) => {
      zip.once('entry', resolve);
      zip.once('end', () => resolve(null));
      zip.once('error', (error: Error) => reject(damaged(error)));
      zip.readEntry();
    });
    zip.removeAllListeners('entry').removeAllListeners('end').removeAllListeners('error');
    if (entry === null) return;
    yield entry;
  }
}
