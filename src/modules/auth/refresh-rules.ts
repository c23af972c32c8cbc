/** What is kept of a refresh token and its family. */
export interface TokenState {
  family_id: string;
  used_at: Date | null;
  expires_at: Date;
  revoked_at: Date | null;
}

/** Two tabs, or a client that lost the answer, may send one token twice within this time (RFC 9700, 4.14.2 leaves it to us). */
export const GRACE_MS = 10_000;

/**
 * Judges a token that could not be exchanged. `repeat`: it was exchanged a moment ago, give the same successor again. `stolen`: it comes
 * again later, so two parties hold the family. `dead`: unknown, expired or revoked; nothing more is to be done.
 */
export function judgeRefusedToken(state: TokenState | undefined, nowMs: number): 'repeat' | 'stolen' | 'dead' {
  if (!state || state.revoked_at || state.expires_at.getTime() <= nowMs || !state.used_at) return 'dead';
  return nowMs - state.used_at.getTime() <= GRACE_MS ? 'repeat' : 'stolen';
}
