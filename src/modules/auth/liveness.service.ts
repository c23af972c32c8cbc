import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { Principal } from '../../common/principal.js';
import { Database, type Statement } from '../../database/database.js';
import { Clock } from './clock.js';

/** The part of a principal that says which row must still be there. */
export type Subject = Pick<Principal, 'accountId' | 'sessionId' | 'apiKeyId'>;

/** How long an answer of PostgreSQL counts. A logout on another instance is noticed here after this time at the latest. */
export const RECHECK_MS = 10_000;

const SUBJECTS_MAX = 50_000;

const FAMILY_LIVES: Statement = {
  name: 'auth.family-lives',
  text: `SELECT 1 FROM token_families WHERE account_id = $1 AND family_id = $2 AND revoked_at IS NULL`,
};
const API_KEY_LIVES: Statement = { name: 'auth.api-key-lives', text: `SELECT 1 FROM api_keys WHERE account_id = $1 AND api_key_id = $2` };
const ACCOUNT_LIVES: Statement = { name: 'auth.account-lives', text: `SELECT 1 FROM accounts WHERE account_id = $1` };

interface State {
  checkedAt: number;
  /** Ended in this process: final, whatever a check that was under way at that moment may still answer. */
  ended: boolean;
  pending?: Promise<boolean>;
}

/** Knows whether the sign-in, API key or account behind a verified token still stands. Asks PostgreSQL at most every 10 s for each. */
@Injectable()
export class LivenessService {
  private readonly states = new LRUCache<string, State>({ max: SUBJECTS_MAX });

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** At once where the last check is fresh; else a promise of the next one, which all callers share. Rejects while PostgreSQL is away. */
  isLive(subject: Subject): boolean | Promise<boolean> {
    const state = this.stateOf(subject);
    if (state.ended) return false;
    if (this.clock.now() - state.checkedAt < RECHECK_MS) return true;
    return (state.pending ??= this.check(subject, state));
  }

  /** Takes the word of a caller who has just read the row. */
  confirm(subject: Subject): void {
    this.stateOf(subject).checkedAt = this.clock.now();
  }

  /** Refuses the subject from now on in this process. Call it after the commit. */
  end(subject: Subject): void {
    this.stateOf(subject).ended = true;
  }

  private async check(subject: Subject, state: State): Promise<boolean> {
    try {
      const askedAt = this.clock.now();
      const rows = await this.database.query(...statementFor(subject));
      // Families and keys never come back. An account of the outside issuer does, so its absence is asked for again.
      if (rows.length > 0) state.checkedAt = askedAt;
      else if (subject.sessionId || subject.apiKeyId) state.ended = true;
      return rows.length > 0 && !state.ended;
    } finally {
      delete state.pending;
    }
  }

  private stateOf({ accountId, sessionId, apiKeyId }: Subject): State {
    const key = `${accountId}/${sessionId ?? apiKeyId ?? ''}`;
    let state = this.states.get(key);
    if (!state) this.states.set(key, (state = { checkedAt: -Infinity, ended: false }));
    return state;
  }
}

function statementFor({ accountId, sessionId, apiKeyId }: Subject): [Statement, string[]] {
  if (sessionId) return [FAMILY_LIVES, [accountId, sessionId]];
  if (apiKeyId) return [API_KEY_LIVES, [accountId, apiKeyId]];
  return [ACCOUNT_LIVES, [accountId]];
}
