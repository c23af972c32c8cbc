import type { Database, Statement } from '../database/database.js';
import type { ContentStore } from './content-store.js';

const HERE: Statement = {
  name: 'content.here',
  text: `SELECT EXISTS (SELECT FROM chat_contents) AS words, EXISTS (SELECT FROM messages) AS messages`,
};

/**
 * A database stays with the store that its first words went to: with another one every earlier
 * message would be without words.
 * @throws Error in plain words with the mend, before the server listens
 */
export async function assertSameStore(database: Database, { name }: ContentStore): Promise<void> {
  const [here] = await database.query<{ words: boolean; messages: boolean }>(HERE, []);
  if (name === 'mongo' && here?.words) {
    throw new Error(
      'The words of this database are in PostgreSQL: start without MONGODB_URI (and without an embedded mongod), or use an empty database.',
    );
  }
  if (name === 'postgres' && here?.messages && !here.words) {
    throw new Error('The words of this database are in MongoDB: set MONGODB_URI to it.');
  }
}
