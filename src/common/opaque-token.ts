import { createHash, randomBytes } from 'node:crypto';

/**
 * What an opaque token is for: a refresh token (`brt_…`), an API key (`bak_…`), a link to a branch
 * (`bsh_…`), a ticket for events (`btk_…`), an invitation (`biv_…`) or a password reset (`bpr_…`).
 * Secret scanners find them by this prefix.
 */
export type TokenKind = 'brt' | 'bak' | 'bsh' | 'btk' | 'biv' | 'bpr';

/** What is kept of an opaque token: whose it says it is, and the SHA-256 of its whole text. */
export interface TokenRecord {
  accountId: string;
  hash: Buffer;
}

const SECRET_BYTES = 32;
// 16 bytes of account and 32 of secret, each in base64url without padding. Both may contain "_", so
// the lengths tell them apart.
const FORM = /^(brt|bak|bsh|btk|biv|bpr)_([A-Za-z0-9_-]{22})_[A-Za-z0-9_-]{43}$/;

/**
 * Makes a token of 256 random bits. It carries its account, so that every statement about it can
 * name the account (see design.md, 3).
 */
export function makeToken(
  kind: TokenKind,
  accountId: string,
  secret: Buffer = randomBytes(SECRET_BYTES),
): string {
  const account = Buffer.from(accountId.replaceAll('-', ''), 'hex').toString('base64url');
  return `${kind}_${account}_${secret.toString('base64url')}`;
}

/** Reads a token's form; null when it has none. Whether it exists, only its row can tell. */
export function readToken(kind: TokenKind, text: string): TokenRecord | null {
  const match = FORM.exec(text);
  if (match?.[1] !== kind) return null;
  const hex = Buffer.from(match[2] as string, 'base64url').toString('hex');
  const accountId = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  return { accountId, hash: createHash('sha256').update(text).digest() };
}
