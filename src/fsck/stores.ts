import type { DataSource } from 'typeorm';
import type { Config } from '../config/config.js';
import { ContentStore } from '../content/content-store.js';
import { JournalRows } from '../content/journal-rows.js';
import { Journal } from '../content/journal.js';
import { PostgresContentStore } from '../content/postgres/postgres-content-store.js';
import { Relay } from '../content/relay.js';
import { Database } from '../database/database.js';
import type { EventDispatcher } from '../events/event-dispatcher.js';
import type { FileStores } from '../files/file-store.js';
import { openFileStores } from '../files/open-file-stores.js';
import { AnswerEnds } from '../modules/answer/answer-ends.js';
import type { Check } from './check.js';
import { answersCheck } from './checks/answers.js';
import { besideChecks } from './checks/beside.js';
import { chatsCheck } from './checks/chats.js';
import { conversationsCheck } from './checks/conversations.js';
import { eventsCheck } from './checks/events.js';
import { journalCheck } from './checks/journal.js';
import { keyDoublesCheck, keysCheck } from './checks/keys.js';
import { plainOrphansCheck, plainWordsCheck } from './checks/plain-words.js';
import { redactedCheck } from './checks/redacted.js';
import { searchChecks } from './checks/search.js';
import { fileBytesCheck, strayBytesCheck } from './checks/files.js';
import { openDatabase } from './open-database.js';

/** Everything that is checked, opened. */
export interface OpenStores {
  content: 'mongo' | 'postgres';
  checks: readonly Check[];
  /** Sends what waits for MongoDB; what `--repair` does besides mending. */
  drain(): Promise<void>;
  /** @throws when a repair would do harm: PostgreSQL and MongoDB are of different servers. */
  assertRepairable(): Promise<void>;
  close(): Promise<void>;
}

/** The words' side of it. */
interface Words {
  store: ContentStore;
  journal: Journal;
  checks: readonly Check[];
  drain(): Promise<void>;
  assertRepairable(): Promise<void>;
  close(): Promise<void>;
}

/** @throws Error in plain words when a store is away, or its schema is of another version. */
export async function openStores(config: Config): Promise<OpenStores> {
  const { found, dataSource, close: closeDatabase } = await openDatabase(config, 'banyan-fsck');
  try {
    const words = found.config.MONGODB_URI
      ? await mongoWords(dataSource, found.config, found.serverRuns)
      : plainWords(dataSource, found.config);
    const tree = [conversationsCheck(dataSource), chatsCheck(dataSource), eventsCheck(dataSource)];
    const files = await filesOf(dataSource, found.config);
    const answers = answersCheck({
      dataSource,
      ends: endsOf(dataSource, words),
      serverRuns: found.serverRuns,
    });
    const keys = [keyDoublesCheck(dataSource), keysCheck(dataSource), answers];
    const beside = [
      ...besideChecks(dataSource),
      redactedCheck(dataSource),
      ...searchChecks(dataSource),
    ];
    const bytes = [
      fileBytesCheck(dataSource, files),
      ...files.all.map((store) => strayBytesCheck(dataSource, store)),
    ];
    return {
      ...words,
      content: found.config.MONGODB_URI ? 'mongo' : 'postgres',
      checks: [...tree, ...words.checks, ...keys, ...beside, ...bytes] as Check[],
      close: async () => {
        await words.close();
        await files.close();
        await closeDatabase();
      },
    };
  } catch (error) {
    await closeDatabase();
    throw error;
  }
}

/** Of a store that is away nothing can be said: least of all that it has lost everything. */
async function filesOf(dataSource: DataSource, config: Config): Promise<FileStores> {
  const files = await openFileStores(new Database(dataSource), config);
  try {
    await files.s3?.ping();
    return files;
  } catch (error) {
    await files.close();
    throw new Error(`The bucket of FILE_STORE cannot be reached: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

const nothing = async (): Promise<void> => {};

/**
 * Ends answers as a server does. Whoever is connected to one finds the event by itself, within a
 * second.
 */
function endsOf(dataSource: DataSource, { store, journal }: Words): AnswerEnds {
  const database = new Database(dataSource);
  const nobody = { changed: () => undefined } as unknown as EventDispatcher;
  return new AnswerEnds(database, journal, nobody, store);
}

function plainWords(dataSource: DataSource, config: Config): Words {
  const database = new Database(dataSource);
  const store = new PostgresContentStore(database);
  return {
    store,
    journal: new Journal(database, store, config),
    checks: [plainWordsCheck(dataSource, config), plainOrphansCheck(dataSource)] as Check[],
    drain: nothing,
    assertRepairable: nothing,
    close: nothing,
  };
}

/** Mongoose is loaded only where MongoDB is used. */
async function mongoWords(
  dataSource: DataSource,
  config: Config & { DATABASE_URL: string },
  serverRuns: boolean,
): Promise<Words> {
  const { MongoConnection } = await import('../content/mongo/mongo-connection.js');
  const { MongoContentStore } = await import('../content/mongo/mongo-content-store.js');
  const { MongoBuckets } = await import('../content/mongo/mongo-buckets.js');
  const { mongoWordsCheck } = await import('./checks/mongo-words.js');
  const { apartOrphansCheck, belongTogether, mongoOrphansCheck } =
    await import('./checks/mongo-orphans.js');
  const database = new Database(dataSource);
  const connection = new MongoConnection(config.MONGODB_URI!);
  const store = new MongoContentStore(config.MONGODB_URI!);
  const close = async (): Promise<void> =>
    void (await Promise.all([connection.close(), store.close()]));
  try {
    await connection.ping();
  } catch (error) {
    await close();
    throw new Error(`MongoDB cannot be reached: ${(error as Error).message}`, { cause: error });
  }
  const side = { dataSource, config, buckets: new MongoBuckets(connection), store };
  const journal = new Journal(database, store, config);
  const relay = new Relay(new JournalRows(database), store, journal, config);
  return {
    store,
    journal,
    // Nobody has to relay while no server runs; the next start does.
    checks: [
      mongoWordsCheck(side),
      mongoOrphansCheck(side),
      apartOrphansCheck(side),
      ...(serverRuns ? [journalCheck(dataSource)] : []),
    ] as Check[],
    drain: async () => {
      await journal.flush();
      await relay.drain();
    },
    assertRepairable: async () => {
      if (await belongTogether(side)) return;
      throw new Error(
        'MongoDB has words of conversations that PostgreSQL does not know: DATABASE_URL and MONGODB_URI are of different servers.',
      );
    },
    close,
  };
}
