import type { DataSource } from 'typeorm';
import type { Check } from '../check.js';

const OLDEST = `
  SELECT count(*)::int AS rows, coalesce(extract(epoch FROM now() - min(created_at)), 0)::int AS seconds
  FROM content_journal WHERE stored_at IS NULL`;
const SECONDS_MAX = 60;

/**
 * I15: somebody brings the words to MongoDB. A row that was found missing is unsent again with its
 * old age, for as long as a relay needs.
 */
export function journalCheck(dataSource: DataSource): Check<'journal'> {
  return {
    of: 'journal',
    invariants: ['I15'],
    recheckMs: [2000, 8000],
    window: async (after) => (after ? [] : ['journal']),
    async inspect() {
      const [oldest] = await dataSource.query<{ rows: number; seconds: number }[]>(OLDEST);
      if (!oldest || oldest.seconds < SECONDS_MAX) return [];
      // The figures change while one looks, so they are no part of what is found.
      return [
        {
          invariant: 'I15',
          key: 'journal',
          what: 'words wait for MongoDB longer than a minute: no server that relays them runs',
          ids: {},
        },
      ];
    },
  };
}
