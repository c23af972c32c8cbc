import { describe, expect, it } from '@jest/globals';
import { GRACE_MS, judgeRefusedToken, type TokenState } from './refresh-rules.js';

const USED_AT = Date.UTC(2026, 10, 21, 9);
const aUsedToken = (fields: Partial<TokenState> = {}): TokenState => ({
  family_id: '019aa1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b',
  used_at: new Date(USED_AT),
  expires_at: new Date(USED_AT + 86_400_000),
  revoked_at: null,
  ...fields,
});

describe('a refresh token that could not be exchanged', () => {
  it('is a repeat for ten seconds after its use, the last millisecond included', () => {
    expect(judgeRefusedToken(aUsedToken(), USED_AT)).toBe('repeat');
    expect(judgeRefusedToken(aUsedToken(), USED_AT + GRACE_MS)).toBe('repeat');
  });

  it('is a repeat when the clock of another instance is behind', () => {
    expect(judgeRefusedToken(aUsedToken(), USED_AT - 200)).toBe('repeat');
  });

  it('is stolen after that', () => {
    expect(judgeRefusedToken(aUsedToken(), USED_AT + GRACE_MS + 1)).toBe('stolen');
  });

  it('is dead when it is unknown, expired, revoked, or was never used', () => {
    expect(judgeRefusedToken(undefined, USED_AT)).toBe('dead');
    expect(judgeRefusedToken(aUsedToken({ expires_at: new Date(USED_AT) }), USED_AT)).toBe('dead');
    expect(judgeRefusedToken(aUsedToken({ revoked_at: new Date(USED_AT) }), USED_AT + 1)).toBe('dead');
    expect(judgeRefusedToken(aUsedToken({ used_at: null, expires_at: new Date(USED_AT - 1) }), USED_AT)).toBe('dead');
  });
});
