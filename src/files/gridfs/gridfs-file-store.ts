import { pipeline } from 'node:stream/promises';
import { type Connection, mongo, Mongoose } from 'mongoose';
import { Pulse, within } from '../../runtime/deadline.js';
import {
  type BlobRef,
  type ByteRange,
  BytesMissingError,
  FilesAwayError,
  FileStore,
} from '../file-store.js';

/** Used where the URI names no database; as the words do. */
const DEFAULT_DATABASE = 'banyan';
const BUCKET = 'files';
const CHUNK_BYTES = 255 * 1024;
/** How long one step may take; a whole file has as many as it needs. */
const STEP_MS = 5000;

const OPTIONS = {
  serverSelectionTimeoutMS: STEP_MS,
  connectTimeoutMS: STEP_MS,
  socketTimeoutMS: STEP_MS,
  waitQueueTimeoutMS: STEP_MS,
  writeConcern: { w: 'majority', journal: true, wtimeoutMS: STEP_MS },
  readPreference: 'primary',
  bufferCommands: false,
  autoCreate: false,
  autoIndex: false,
} as const;

const filesOf = ({ db }: Connection) => db!.collection<FileDocument>(`${BUCKET}.files`);
const chunksOf = ({ db }: Connection) => db!.collection<ChunkDocument>(`${BUCKET}.chunks`);

const idOf = ({ accountId, blobId }: BlobRef): string => `${accountId}/${blobId}`;
const refOf = (id: string): BlobRef => {
  const [accountId = '', blobId = ''] = id.split('/');
  return { accountId, blobId };
};

/** Of the driver, or of Mongoose where there is no connection. */
const isOfMongo = (error: unknown): boolean => /^Mongo/.test((error as Error).name);

/** As GridFS lays them down: all have `CHUNK_BYTES` but the last one. */
interface ChunkDocument {
  files_id: string;
  n: number;
  data: Buffer;
}

interface FileDocument {
  _id: string;
  length: number;
}

/**
 * Bytes in GridFS, beside the words. Its connection is made when it is first needed, and again when
 * it could not be made.
 */
export class GridFsFileStore extends FileStore {
  override readonly name = 'gridfs';
  private readonly mongoose = new Mongoose({ bufferCommands: false, autoCreate: false });
  private opening: Promise<Connection> | null = null;
  private readonly pulse = new Pulse();

  constructor(private readonly uri: string) {
    super();
  }

  override async write(blob: BlobRef, bytes: AsyncIterable<Buffer>): Promise<void> {
    try {
      await this.upload(blob, bytes);
    } catch (error) {
      if (!isOfMongo(error)) throw error; // the source's own
      throw new FilesAwayError(`GridFS: ${(error as Error).message}`, { cause: error });
    }
  }

  /** As long as its bytes come; each of its steps has the limits of the driver. */
  private async upload(blob: BlobRef, bytes: AsyncIterable<Buffer>): Promise<void> {
    const bucket = await this.step(({ db }) =>
      Promise.resolve(new mongo.GridFSBucket(db!, { bucketName: BUCKET })),
    );
    const { accountId } = blob;
    const upload = bucket.openUploadStreamWithId(
      idOf(blob) as unknown as mongo.ObjectId,
      idOf(blob),
      { chunkSizeBytes: CHUNK_BYTES, metadata: { account_id: accountId } },
    );
    await pipeline(bytes, upload);
  }

  override async *read(blob: BlobRef, { from, to }: ByteRange): AsyncIterable<Buffer> {
    const size = await this.sizeOf(blob);
    if (size === null || size < to) throw new BytesMissingError('a file is not in GridFS');
    if (from === to) return;
    for (let at = from; at < to;) {
      const [n, begin] = [Math.floor(at / CHUNK_BYTES), at % CHUNK_BYTES];
      const chunk = await this.chunk(blob, n);
      const piece = chunk?.subarray(begin, Math.min(begin + to - at, CHUNK_BYTES));
      if (!piece || piece.length === 0)
        throw new BytesMissingError('a piece of a file is not in GridFS');
      yield piece;
      at += piece.length;
    }
  }

  override async remove(blob: BlobRef): Promise<void> {
    // Not by the bucket: of a write that was cut off there is no file, only pieces.
    await this.step((connection) => filesOf(connection).deleteOne({ _id: idOf(blob) }));
    await this.step((connection) => chunksOf(connection).deleteMany({ files_id: idOf(blob) }));
  }

  override async sizeOf(blob: BlobRef): Promise<number | null> {
    const file = await this.step((connection) =>
      filesOf(connection).findOne({ _id: idOf(blob) }, { projection: { length: 1 } }),
    );
    return file?.length ?? null;
  }

  override async page(after: BlobRef | null, limit: number): Promise<BlobRef[]> {
    const found = await this.step((connection) =>
      filesOf(connection)
        .find(after ? { _id: { $gt: idOf(after) } } : {}, { projection: { _id: 1 } })
        .sort({ _id: 1 })
        .limit(limit)
        .toArray(),
    );
    return found.map(({ _id: id }) => refOf(id));
  }

  override async close(): Promise<void> {
    const opened = await this.opening?.catch(() => null);
    await opened?.destroy(true);
  }

  /**
   * One piece by itself. The driver's own download asks for 16 MiB at once, and keeps a cursor open
   * for as long as the reader is slow.
   */
  private async chunk(blob: BlobRef, n: number): Promise<Buffer | null> {
    const found = await this.step((connection) =>
      chunksOf(connection).findOne(
        { files_id: idOf(blob), n },
        { projection: { data: 1 }, promoteBuffers: true },
      ),
    );
    return found?.data ?? null;
  }

  /**
   * One step, with the connection that it may need first. The driver's limits are of its own steps,
   * which it does again, and a connection in its making has none. @throws FilesAwayError where it
   * takes too long, for itself or for the request that it is for
   */
  private async step<Result>(work: (connection: Connection) => Promise<Result>): Promise<Result> {
    const opening = (this.opening ??= this.open());
    let isOpen = false;
    const late = (): Error => {
      // The next one makes another.
      if (!isOpen && this.opening === opening) this.forget(opening);
      return new FilesAwayError('GridFS did not answer in time.');
    };
    const working = opening.then((connection) => {
      isOpen = true;
      return work(connection);
    });
    const result = await within(STEP_MS, working, late, this.pulse);
    this.pulse.beat();
    return result;
  }

  private forget(opening: Promise<Connection>): void {
    this.opening = null;
    opening
      .then(
        (connection) => connection.destroy(true),
        () => undefined,
      )
      .catch(() => undefined);
  }

  private async open(): Promise<Connection> {
    const named = /^mongodb(?:\+srv)?:\/\/[^/]+\/[^?]/.test(this.uri);
    const connection = this.mongoose.createConnection();
    connection.on('error', () => undefined); // told by the call that meets it
    try {
      return await connection.openUri(this.uri, {
        ...OPTIONS,
        ...(named ? {} : { dbName: DEFAULT_DATABASE }),
      });
    } catch (error) {
      this.opening = null;
      await connection.destroy(true).catch(() => undefined);
      throw error;
    }
  }
}
