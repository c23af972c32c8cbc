/**
 * The rule of `tree/lineage.ts` (`stretchesOf`) as the tail of a recursive common table expression:
 * it cuts a window of a path into the stretches that each chat owns, following jump pointers, in
 * O(log nesting + stretches) steps. A property test holds the two to each other.
 *
 * Needs a CTE `<window>` of one row: chat_id, fork_seq, parent_chat_id, jump_chat_id of the tip,
 * and the window `lo..hi`; and the account as $1. Gives `<stretch>` with rows `(chat_id, fork_seq,
 * lo, hi)`. Deleted ancestors count: what a branch inherits stays.
 *
 * `LIMIT 1` makes each step a look-up by key, whatever PostgreSQL believes about the table: it
 * cannot be joined as a whole.
 */
export const stretchCte = (window: string, stretch: string): string => `
  ${stretch}_step (chat_id, fork_seq, parent_chat_id, jump_chat_id, lo, hi) AS (
    SELECT chat_id, fork_seq, parent_chat_id, jump_chat_id, lo, hi FROM ${window}
    UNION ALL
    SELECT n.chat_id, n.fork_seq, n.parent_chat_id, n.jump_chat_id, s.lo, least(s.hi, s.fork_seq)
    FROM ${stretch}_step s
    CROSS JOIN LATERAL (SELECT fork_seq FROM chats WHERE account_id = $1 AND chat_id = s.jump_chat_id LIMIT 1) j
    CROSS JOIN LATERAL (
      SELECT * FROM chats
      WHERE account_id = $1 AND chat_id = CASE WHEN j.fork_seq >= least(s.hi, s.fork_seq) THEN s.jump_chat_id ELSE s.parent_chat_id END
      LIMIT 1
    ) n
    WHERE least(s.hi, s.fork_seq) >= s.lo
  ),
  ${stretch} AS (
    SELECT chat_id, fork_seq, greatest(lo, fork_seq + 1) AS lo, hi FROM ${stretch}_step WHERE fork_seq < hi AND hi >= lo
  )`;

export const STRETCH_CTE = stretchCte('win', 'stretch');

/**
 * The owner `own` of the pair `s`, and the chats below it that see the pair. What is behind a
 * branch that sees it sees it too, also below a deleted one.
 */
export const HEIRS = `
      WITH RECURSIVE heirs AS (
        SELECT s.chat_id, own.deleted_at
        UNION ALL
        SELECT c.chat_id, c.deleted_at FROM heirs h JOIN chats c ON c.account_id = $1 AND c.parent_chat_id = h.chat_id
          AND (h.chat_id <> s.chat_id OR c.fork_seq >= s.seq)
      )`;
