import mongoose from 'mongoose';
import { withClient } from './app.js';

/** A column of a table, as `table.column`. */
interface Column {
  table: string;
  column: string;
  type: string;
}

const COLUMNS = `
  SELECT c.table_name AS "table", c.column_name AS "column", c.udt_name AS type
  FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
  WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE' ORDER BY 1, 2`;

/** Types that hold no text: whatever is not one of these may hold words. */
const WITHOUT_TEXT = new Set([
  ...['uuid', '_uuid', 'int2', 'int4', 'int8', '_int4', '_int8', 'bool', 'float8', 'numeric'],
  ...['timestamptz', 'timestamp', 'date'],
]);

/** All columns of a migrated database that can hold words. */
export const textColumns = async (databaseUrl: string): Promise<string[]> =>
  (await columnsOf(databaseUrl))
    .filter(({ type }) => !WITHOUT_TEXT.has(type))
    .map(({ table, column }) => `${table}.${column}`);

const columnsOf = (databaseUrl: string): Promise<Column[]> =>
  withClient(databaseUrl, async (client) => (await client.query<Column>(COLUMNS)).rows);

/** Every column that has the word somewhere, in whatever case or encoding, as `table.column`. */
export async function columnsWith(databaseUrl: string, word: string): Promise<string[]> {
  const columns = await columnsOf(databaseUrl);
  return withClient(databaseUrl, async (client) => {
    const found: string[] = [];
    for (const { table, column, type } of columns) {
      const text = type === 'bytea' ? `encode("${column}", 'escape')` : `"${column}"::text`;
      const { rows } = await client.query(
        `SELECT 1 FROM "${table}" WHERE ${text} ILIKE $1 LIMIT 1`,
        [`%${word}%`],
      );
      if (rows.length > 0) found.push(`${table}.${column}`);
    }
    return found;
  });
}

/** Names of all collections, and of those that have the word in some document. */
export async function collectionsWith(
  uri: string,
  word: string,
): Promise<{ all: string[]; found: string[] }> {
  const connection = await mongoose.createConnection(uri).asPromise();
  try {
    const all = (await connection.db!.listCollections().toArray()).map(({ name }) => name).sort();
    const found: string[] = [];
    for (const name of all)
      for await (const document of connection.db!.collection(name).find())
        if (textIn(document).includes(word)) {
          found.push(name);
          break;
        }
    return { all, found };
  } finally {
    await connection.close();
  }
}

/** Bytes are read as text too. */
const textIn = (document: object): string =>
  JSON.stringify(document, (_key, value: unknown) =>
    value instanceof mongoose.mongo.Binary ? Buffer.from(value.buffer).toString('latin1') : value,
  ).toLowerCase();
