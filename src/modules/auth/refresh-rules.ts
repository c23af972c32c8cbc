/** What is kept of a refresh token and its family. */
export interface TokenState {
  family_id: string;
  used_at: Date | null;
  expires_at: Date;
  revoked_at: Date | null;
  /** Whether the token that it was exchanged for waits for its own first use. */
  successor_waits: boolean;
}

/**
 * Judges a token that could not be exchanged. `repeat`: nobody has used its successor yet, so the
 * answer that brought it may be lost, or two tabs sent the token at once; give the same successor
 * again (RFC 9700, 4.14.2 leaves it to us). `stolen`: it comes after its successor was used, so two
 * parties hold the family. `dead`: unknown, expired or revoked; nothing more is to be done.
 */
export function judgeRefusedToken(
  state: TokenState | undefined,
  nowMs: number,
): 'repeat' | 'stolen' | 'dead' {
  if (!state || state.revoked_at || state.expires_at.getTime() <= nowMs || !state.used_at)
    return 'dead';
  return state.successor_waits ? 'repeat' : 'stolen';
}
