import { Global, Module, type OnModuleInit } from '@nestjs/common';
import { Config } from '../config/config.js';
import { Database } from '../database/database.js';
import { ContentStore } from './content-store.js';
import { JournalRows } from './journal-rows.js';
import { Journal } from './journal.js';
import { PostgresContentStore } from './postgres/postgres-content-store.js';
import { Relay } from './relay.js';
import { assertSameStore } from './same-store.js';
import { StoreWrites } from './store-writes.js';

/** The store that the settings ask for. Mongoose is loaded only where MongoDB is used. */
async function contentStore(
  { MONGODB_URI: uri }: Config,
  database: Database,
): Promise<ContentStore> {
  if (!uri) return new PostgresContentStore(database);
  const { MongoContentStore } = await import('./mongo/mongo-content-store.js');
  return new MongoContentStore(uri);
}

/** The words, in MongoDB or in PostgreSQL. Everybody uses `ContentStore` without knowing which. */
@Global()
@Module({
  providers: [
    { provide: ContentStore, useFactory: contentStore, inject: [Config, Database] },
    Journal,
    JournalRows,
    Relay,
    StoreWrites,
  ],
  exports: [ContentStore, Journal, Relay, StoreWrites],
})
export class ContentModule implements OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly store: ContentStore,
  ) {}

  /**
   * The server does not listen before this: nobody is sent to one that could not read yet. A store
   * that is away is waited for no longer than 2 s.
   */
  async onModuleInit(): Promise<void> {
    const reached = this.store.ping().catch(() => undefined);
    await assertSameStore(this.database, this.store);
    await reached;
  }
}
