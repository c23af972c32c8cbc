import type { Statement } from '../../database/database.js';

/**
 * Starts a family with its first token, and forgets the account's families that ended a day ago. No
 * row when the password is another one by now: a change waits for this lock on the account, or this
 * waits for the change. $: account, family, now, hash, expiry, address, password hash, user agent.
 */
export const OPEN_FAMILY: Statement = {
  name: 'auth.open-family',
  text: `
    WITH forgotten AS (
      DELETE FROM token_families WHERE account_id = $1 AND family_id IN (
        SELECT family_id FROM token_families WHERE account_id = $1 AND expires_at < $3::timestamptz - interval '1 day' FOR UPDATE SKIP LOCKED)
    ), family AS (
      INSERT INTO token_families (account_id, family_id, created_at, expires_at, address_tag, user_agent)
      SELECT account_id, $2, $3, $5, $6, $8 FROM accounts WHERE account_id = $1 AND password_hash = $7 FOR SHARE
      RETURNING family_id
    )
    INSERT INTO refresh_tokens (account_id, token_hash, family_id, created_at, expires_at)
    SELECT $1, $4, family_id, $3, $5 FROM family
    RETURNING family_id`,
};

/** $: account, address. */
export const CAME_FROM: Statement = {
  name: 'auth.came-from',
  text: `SELECT FROM token_families WHERE account_id = $1 AND address_tag = $2 LIMIT 1`,
};

/**
 * Of several who bring the same reset one changes the row; the others find another hash in it.
 * $: account, new hash, the one that it follows, hash of the reset that allows it (or null), now.
 */
export const CHANGE_PASSWORD = `
  UPDATE accounts SET password_hash = $2
  WHERE account_id = $1 AND password_hash = $3 AND ($4::bytea IS NULL OR EXISTS (
    SELECT FROM password_resets WHERE account_id = $1 AND token_hash = $4 AND expires_at > $5::timestamptz))`;

/** Whose password a reset is for. $: account, hash, now. */
export const FIND_RESET: Statement = {
  name: 'auth.find-reset',
  text: `
    SELECT a.email, a.password_hash FROM password_resets r JOIN accounts a USING (account_id)
    WHERE r.account_id = $1 AND r.token_hash = $2 AND r.expires_at > $3 AND a.password_hash IS NOT NULL`,
};

/**
 * A statement of its own after the change: it then sees the families that were opened while the
 * change waited for them. $: account, family that stays, now.
 */
export const REVOKE_OTHERS = `
  UPDATE token_families SET revoked_at = $3
  WHERE account_id = $1 AND family_id <> $2 AND revoked_at IS NULL
  RETURNING family_id`;

/**
 * Exchanges a token for its successor: of many at once, one gets a row. The family is locked before
 * its tokens, as by whoever deletes it. $: account, hash, now, hash of the successor, its expiry.
 * Used tokens past their expiry go along the way; they would be refused anyhow.
 */
export const ROTATE: Statement = {
  name: 'auth.rotate',
  text: `
    WITH family AS MATERIALIZED (
      SELECT f.family_id FROM refresh_tokens t JOIN token_families f USING (account_id, family_id)
      WHERE t.account_id = $1 AND t.token_hash = $2 AND f.revoked_at IS NULL FOR NO KEY UPDATE OF f
    ), used AS (
      UPDATE refresh_tokens t SET used_at = $3 FROM family
      WHERE t.account_id = $1 AND t.token_hash = $2 AND t.family_id = family.family_id AND t.used_at IS NULL AND t.expires_at > $3
      RETURNING t.family_id
    ), successor AS (
      INSERT INTO refresh_tokens (account_id, token_hash, family_id, created_at, expires_at)
      SELECT $1, $4, family_id, $3, $5 FROM used
    ), prolonged AS (
      UPDATE token_families SET expires_at = $5 WHERE account_id = $1 AND family_id = (SELECT family_id FROM used)
    ), forgotten AS (
      DELETE FROM refresh_tokens
      WHERE account_id = $1 AND family_id = (SELECT family_id FROM used) AND used_at IS NOT NULL AND expires_at < $3
    )
    SELECT family_id FROM used`,
};

/**
 * What is known of a token that could not be exchanged. $: account, hash, hash of its successor.
 */
export const FIND_TOKEN: Statement = {
  name: 'auth.find-token',
  text: `
    SELECT t.family_id, t.used_at, t.expires_at, f.revoked_at, EXISTS (
      SELECT FROM refresh_tokens s WHERE s.account_id = $1 AND s.token_hash = $3 AND s.used_at IS NULL) AS successor_waits
    FROM refresh_tokens t JOIN token_families f USING (account_id, family_id)
    WHERE t.account_id = $1 AND t.token_hash = $2`,
};

/** No row where it was revoked before. $: account, family, now. */
export const REVOKE_FAMILY: Statement = {
  name: 'auth.revoke-family',
  text: `
    UPDATE token_families SET revoked_at = $3
    WHERE account_id = $1 AND family_id = $2 AND revoked_at IS NULL RETURNING family_id`,
};

export interface SignInRow extends Record<string, unknown> {
  family_id: string;
  created_at: Date;
  /** When its newest token was made. */
  refreshed_at: Date;
  expires_at: Date;
  user_agent: string | null;
}

/** Those that still stand, newest first. $: account, older than this family, now, how many. */
export const LIST_FAMILIES: Statement = {
  name: 'auth.list-families',
  text: `
    SELECT f.family_id, f.created_at, coalesce(t.created_at, f.created_at) AS refreshed_at, f.expires_at, f.user_agent
    FROM token_families f
    LEFT JOIN LATERAL (
      SELECT created_at FROM refresh_tokens
      WHERE account_id = f.account_id AND family_id = f.family_id AND used_at IS NULL LIMIT 1
    ) t ON true
    WHERE f.account_id = $1 AND f.family_id < $2 AND f.revoked_at IS NULL AND f.expires_at > $3
    ORDER BY f.family_id DESC LIMIT $4`,
};
