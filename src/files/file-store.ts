import { ClosesAt } from '../runtime/shutdown.module.js';

/** Where bytes are kept; written beside each blob, so that a change of settings loses none. */
export type StoreName = 'postgres' | 'gridfs' | 's3';

/** What a store keeps, by an id that is made anew for each write. */
export interface BlobRef {
  accountId: string;
  blobId: string;
}

/** Some bytes of a blob: both ends are counted from 0, and `to` is the first one behind them. */
export interface ByteRange {
  from: number;
  to: number;
}

/**
 * Thrown where bytes that should be there are not, or fewer of them: never answered as a shorter
 * file.
 */
export class BytesMissingError extends Error {
  override readonly name = 'BytesMissingError';
}

/** Thrown where the store of files does not answer, or says no: it may be well in a moment. */
export class FilesAwayError extends Error {
  override readonly name = 'FilesAwayError';
}

/**
 * The bytes of files. They come and go as streams, some hundred KiB at a time, and a blob never
 * changes once it is written. What is known of it (whose, its type, its hash) is in PostgreSQL.
 */
export abstract class FileStore {
  abstract readonly name: StoreName;

  /**
   * Writes a blob; returns when it would survive the death of any process. What was begun and not
   * ended may be left behind: whoever writes takes care that it is removed. @throws FilesAwayError,
   * or what a database says; what `bytes` throws
   */
  abstract write(blob: BlobRef, bytes: AsyncIterable<Buffer>): Promise<void>;

  /**
   * The bytes of a range, in pieces. @throws BytesMissingError, before the first piece where
   * nothing is there
   */
  abstract read(blob: BlobRef, range: ByteRange): AsyncIterable<Buffer>;

  /** Idempotent; what a failed write has left goes too. */
  abstract remove(blob: BlobRef): Promise<void>;

  /** How many bytes there are; null where the blob is not there. */
  abstract sizeOf(blob: BlobRef): Promise<number | null>;

  /** The next blobs behind one, in an order of the store's own; none at the end. */
  abstract page(after: BlobRef | null, limit: number): Promise<BlobRef[]>;

  /** @throws where it cannot be reached; nothing is asked where it is a database of others */
  async ping(): Promise<void> {}

  /** Ends connections of its own. */
  async close(): Promise<void> {}
}

/** The store that new files go to, and those that older ones may be in. */
export class FileStores {
  private readonly byName: ReadonlyMap<StoreName, FileStore>;

  constructor(
    readonly main: FileStore,
    others: readonly FileStore[] = [],
  ) {
    this.byName = new Map([...others, main].map((store) => [store.name, store]));
  }

  get all(): FileStore[] {
    return [...this.byName.values()];
  }

  /** The one that is neither of the databases; null where there is none. */
  get s3(): FileStore | null {
    return this.byName.get('s3') ?? null;
  }

  /** @throws Error where the settings no longer say how to reach it */
  of(name: StoreName): FileStore {
    const store = this.byName.get(name);
    if (!store) throw new Error(`files are kept in ${name}, and no setting says where that is`);
    return store;
  }

  @ClosesAt('mongo')
  async close(): Promise<void> {
    await Promise.all(this.all.map((store) => store.close()));
  }
}

/**
 * Bytes in pieces of one size; the last one may be smaller. A piece is good until the next one is
 * asked for: all are in the same memory, so that a file of any size leaves nothing to be collected.
 */
export async function* inPieces(
  bytes: AsyncIterable<Buffer>,
  pieceBytes: number,
): AsyncIterable<Buffer> {
  const piece = Buffer.allocUnsafeSlow(pieceBytes);
  let filled = 0;
  for await (const chunk of bytes) {
    for (let at = 0; at < chunk.length;) {
      const copied = chunk.copy(piece, filled, at);
      at += copied;
      filled += copied;
      if (filled < pieceBytes) continue;
      yield piece;
      filled = 0;
    }
  }
  if (filled > 0) yield piece.subarray(0, filled);
}
