import type { ContentStore } from './content-store.js';

/**
 * Puts words where the append and all others put them: for good, or on their way to MongoDB. There
 * the relay waits for `seconds`, so that it does not race the direct write.
 * @param values of account, chat, `seq`, version and body
 * @param from where these are
 */
export const insertWords = (
  table: ContentStore['table'],
  values: string,
  from: string,
  seconds = 3,
): string =>
  table === 'chat_contents'
    ? `INSERT INTO chat_contents (account_id, chat_id, seq, version, body) SELECT ${values} ${from}`
    : `INSERT INTO content_journal AS j (account_id, chat_id, seq, version, body, due_at, created_at)
       SELECT ${values}, now() + interval '${seconds} s', now() ${from}`;

const NEXT_VERSION: Record<ContentStore['table'], string> = {
  chat_contents: 'version = excluded.version, body = excluded.body RETURNING 0 AS round',
  content_journal: `version = excluded.version, body = excluded.body, round = j.round + 1, attempts = 0, stored_at = NULL, verified_at = NULL,
      due_at = excluded.due_at, created_at = excluded.created_at
    RETURNING round`,
};

/** The words of the next version, over all earlier ones; answers the `round` of the journal. */
export const replaceWords = (
  table: ContentStore['table'],
  values: string,
  from: string,
): string => `
    ${insertWords(table, values, from)}
    ON CONFLICT (account_id, chat_id, seq) DO UPDATE SET ${NEXT_VERSION[table]}`;
