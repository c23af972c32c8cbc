import { describe, expect, it } from '@jest/globals';
import { judgeRefusedToken, type TokenState } from './refresh-rules.js';

const USED_AT = Date.UTC(2026, 10, 21, 9);
const EXPIRES_AT = USED_AT + 86_400_000;
const aUsedToken = (fields: Partial<TokenState> = {}): TokenState => ({
  family_id: '019aa1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b',
  used_at: new Date(USED_AT),
  expires_at: new Date(EXPIRES_AT),
  revoked_at: null,
  successor_waits: true,
  ...fields,
});

describe('a refresh token that could not be exchanged', () => {
  it('is a repeat until its successor is used, however long that takes', () => {
    expect(judgeRefusedToken(aUsedToken(), USED_AT)).toBe('repeat');
    expect(judgeRefusedToken(aUsedToken(), EXPIRES_AT - 1)).toBe('repeat');
  });

  it('is stolen after that, however soon', () => {
    expect(judgeRefusedToken(aUsedToken({ successor_waits: false }), USED_AT)).toBe('stolen');
  });

  it('is dead when it is unknown, expired, revoked, or was never used', () => {
    expect(judgeRefusedToken(undefined, USED_AT)).toBe('dead');
    expect(judgeRefusedToken(aUsedToken(), EXPIRES_AT)).toBe('dead');
    expect(judgeRefusedToken(aUsedToken({ revoked_at: new Date(USED_AT) }), USED_AT + 1)).toBe(
      'dead',
    );
    expect(
      judgeRefusedToken(aUsedToken({ used_at: null, expires_at: new Date(USED_AT - 1) }), USED_AT),
    ).toBe('dead');
  });
});
