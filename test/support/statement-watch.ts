import type { Database, Statement } from '../../src/database/database.js';

/** Tells of each statement that goes through this, before it is sent. */
export function watchStatements(
  database: Database,
  told: (statement: Statement, values: readonly unknown[]) => void,
): void {
  const query = database.query.bind(database);
  database.query = ((statement, values) => {
    told(statement, values as readonly unknown[]);
    return query(statement, values);
  }) as Database['query'];
}
