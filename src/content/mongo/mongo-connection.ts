import { Logger } from '@nestjs/common';
import { type ConnectOptions, type Connection, type Model, mongo, Mongoose } from 'mongoose';
import { StoreRefusesError } from '../../common/store-refusal.js';
import { Pulse, within } from '../../runtime/deadline.js';
import { ChatContents, ChatContentsSchema } from './chat-contents.schema.js';
import { ChatParts, ChatPartsSchema } from './chat-parts.schema.js';
import { type Marks, renameOld } from './old-names.js';

/** How long any one call to MongoDB may take, in milliseconds, with all its retries. */
export const MONGO_TIMEOUT_MS = 2000;
const RECONNECT_MS = 1000;
const INDEXES_AGAIN_MS = 10_000;
/** So long no call may be answered before the connection is made anew. */
const SILENCE_MAX_MS = 3000;

/**
 * The driver's own defaults are 30 s for the selection of a server and no limit at all for sockets
 * and the queue of its pool.
 */
const OPTIONS: ConnectOptions = {
  serverSelectionTimeoutMS: MONGO_TIMEOUT_MS,
  connectTimeoutMS: MONGO_TIMEOUT_MS,
  socketTimeoutMS: MONGO_TIMEOUT_MS,
  waitQueueTimeoutMS: 1000,
  writeConcern: { w: 'majority', journal: true, wtimeoutMS: MONGO_TIMEOUT_MS },
  readPreference: 'primary',
  bufferCommands: false,
  autoCreate: false,
  autoIndex: false,
};

/**
 * Thrown when MongoDB did not answer in time, or was never reached. What was asked may still
 * happen: every write here is idempotent.
 */
export class StoreAwayError extends Error {
  override readonly name = 'StoreAwayError';
}

/** A step of connecting, of which the driver's selection of a server takes a whole limit itself. */
const soon = <Result>(work: Promise<Result>): Promise<Result> =>
  within(2 * MONGO_TIMEOUT_MS, work, () => new StoreAwayError('MongoDB did not answer in time.'));

/** Used where the URI names no database; MongoDB's own default is `test`. */
const DEFAULT_DATABASE = 'banyan';
const namesDatabase = (uri: string): boolean => /^mongodb(?:\+srv)?:\/\/[^/]+\/[^?]/.test(uri);

/**
 * The one connection to MongoDB. It is made in the background and again until it stands, so that
 * the server starts without MongoDB. Short breaks are mended by the driver. After longer silence
 * the connection is made anew: when all sockets of a server close at once, the driver (7.8) may
 * write its health check to a socket that is closed already, wait for `drain` for ever, and never
 * look for the server again.
 */
export class MongoConnection {
  private readonly logger = new Logger('MongoDB');
  // An instance of our own: its settings cannot meet those of anything else that uses Mongoose.
  private readonly mongoose = new Mongoose({
    strictQuery: 'throw',
    sanitizeFilter: true,
    bufferCommands: false,
    autoCreate: false,
    autoIndex: false,
  });
  private connection!: Connection;
  private chats!: Model<ChatContents>;
  private parts!: Model<ChatParts>;
  /** The newest try to connect. */
  private opening: Promise<void>;
  private readonly pulse = new Pulse();
  private stands = false;
  /** Whether no document has a name of a version before any more. */
  private areNamed = false;
  /** Since when no call was answered at all, in milliseconds of `Date.now()`. */
  private silentSince: number | undefined;
  private retry: NodeJS.Timeout | undefined;
  private closed = false;
  private lastTold = '';
  /**
   * Whether the server is one of several, so that what one of them has may still be rolled back.
   */
  private replicated = false;

  constructor(private readonly uri: string) {
    this.opening = this.open();
  }

  /**
   * Runs `work` on the collections. @throws StoreAwayError or the driver's error within
   * `MONGO_TIMEOUT_MS`.
   */
  async run<Result>(
    work: (chats: Model<ChatContents>, parts: Model<ChatParts>) => Promise<Result>,
  ): Promise<Result> {
    try {
      // The driver's own time limits hold for one step each (selection, checkout, socket) and are
      // repeated by its retries; this is for all of them.
      const result = await within(
        MONGO_TIMEOUT_MS,
        this.opening.then(() => work(this.chats, this.parts)),
        () => new StoreAwayError('MongoDB did not answer in time.'),
        this.pulse,
      );
      this.silentSince = undefined;
      this.pulse.beat();
      return result;
    } catch (error) {
      this.listen(error);
      throw error;
    }
  }

  async ping(): Promise<void> {
    await this.run(async () => {
      await this.connection.db?.command({ ping: 1 });
    });
  }

  /**
   * Writes into a collection of its own. @throws StoreRefusesError when MongoDB answers and takes
   * no writes
   */
  async tryToWrite(): Promise<void> {
    try {
      await this.run(async () => {
        const tries = this.connection.db?.collection<{ _id: string; at: Date }>('write_tries');
        await tries?.updateOne({ _id: 'banyan' }, { $set: { at: new Date() } }, { upsert: true });
      });
    } catch (error) {
      if (!(error instanceof mongo.MongoServerError)) throw error;
      // Its own sentence may have names in it.
      throw new StoreRefusesError('MongoDB', String(error.codeName ?? `error ${error.code}`));
    }
  }

  /**
   * `majority` where members could disagree: what a read-back proves must not be rolled back
   * afterwards. A lone server knows no such thing.
   */
  get readConcern(): 'majority' | 'local' {
    return this.replicated ? 'majority' : 'local';
  }

  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.retry);
    await this.opening.catch(() => undefined);
    await this.connection.destroy(true);
  }

  /**
   * Tells a server that says no from one that says nothing, and gives the latter a fresh connection
   * after a while.
   */
  private listen(error: unknown): void {
    if (error instanceof mongo.MongoServerError) this.silentSince = undefined;
    else if (this.stands && !this.closed) {
      this.silentSince ??= Date.now();
      if (Date.now() - this.silentSince >= SILENCE_MAX_MS) this.opening = this.open();
    }
  }

  private open(): Promise<void> {
    this.stands = false;
    clearTimeout(this.retry);
    const opening = this.connect();
    opening.then(
      () => this.makeIndexes(),
      (error: unknown) =>
        this.tryAgain(
          'MongoDB is away; new words stay in the journal',
          error,
          RECONNECT_MS,
          () => (this.opening = this.open()),
        ),
    );
    return opening;
  }

  private async connect(): Promise<void> {
    // of an earlier try; Mongoose cannot open it again after that
    this.connection?.destroy(true).catch(() => undefined);
    this.connection = this.mongoose.createConnection();
    this.connection.on('error', () => undefined); // told by the call that meets it
    this.chats = this.connection.model<ChatContents>('ChatContents', ChatContentsSchema);
    this.parts = this.connection.model<ChatParts>('ChatParts', ChatPartsSchema);
    const database = namesDatabase(this.uri) ? {} : { dbName: DEFAULT_DATABASE };
    // The driver may wait for ever here too, and nobody else would try again.
    await soon(this.connection.openUri(this.uri, { ...OPTIONS, ...database }));
    const hello = await soon(Promise.resolve(this.connection.db?.admin().command({ hello: 1 })));
    if (!hello) throw new StoreAwayError('MongoDB closed the connection at once.');
    this.replicated = hello['setName'] !== undefined || hello['msg'] === 'isdbgrid';
    if (!this.areNamed) await this.nameAll();
    this.silentSince = undefined;
    this.stands = true;
    if (this.lastTold) this.logger.log({ message: 'MongoDB is there' });
    this.lastTold = '';
  }

  private async nameAll(): Promise<void> {
    await renameOld(
      this.chats.collection as never,
      this.parts.collection as never,
      this.connection.collection('write_tries') as unknown as Marks,
      soon,
    );
    this.areNamed = true;
  }

  /**
   * Behind the start: nothing waits for them, and on a large collection they outlast every time
   * limit here, while MongoDB goes on.
   */
  private makeIndexes(): void {
    Promise.all([this.chats.createIndexes(), this.parts.createIndexes()]).catch(
      (error: unknown) => {
        if (this.stands)
          this.tryAgain('the indexes of MongoDB are not made yet', error, INDEXES_AGAIN_MS, () =>
            this.makeIndexes(),
          );
      },
    );
  }

  private tryAgain(what: string, error: unknown, ms: number, work: () => void): void {
    if (this.closed) return;
    if (this.lastTold !== what)
      this.logger.warn({ message: what, cause: (error as Error).message });
    this.lastTold = what;
    clearTimeout(this.retry);
    this.retry = setTimeout(work, ms).unref();
  }
}
