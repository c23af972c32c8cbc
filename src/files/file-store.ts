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

/**
 * The bytes of files. They come and go as streams, some hundred KiB at a time, and a blob never
 * changes once it is written. What is known of it (whose, its type, its hash) is in PostgreSQL.
 */
export abstract class FileStore {
  abstract readonly name: StoreName;

  /**
   * Writes a blob; returns when it would survive the death of any process. What was begun and not
   * ended may be left behind: whoever writes takes care that it is removed.
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

  /** @throws Error where the settings no longer say how to reach it */
  of(name: StoreName): FileStore {
    const store = this.byName.get(name);
    if (!store) throw new Error(`files are kept in ${name}, and no setting says where that is`);
    return store;
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all(this.all.map((store) => store.close()));
  }
}

/** Bytes in pieces of one size; the last one may be smaller. */
export async function* inPieces(
  bytes: AsyncIterable<Buffer>,
  pieceBytes: number,
): AsyncIterable<Buffer> {
  let held: Buffer[] = [];
  let heldBytes = 0;
  for await (const chunk of bytes) {
    let rest = chunk;
    while (heldBytes + rest.length >= pieceBytes) {
      const cut = pieceBytes - heldBytes;
      yield Buffer.concat([...held, rest.subarray(0, cut)]);
      rest = rest.subarray(cut);
      held = [];
      heldBytes = 0;
    }
    if (rest.length > 0) held.push(rest);
    heldBytes += rest.length;
  }
  if (heldBytes > 0) yield Buffer.concat(held);
}
