import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { atMost } from '../../common/at-most.js';
import type { Principal } from '../../common/principal.js';
import { Database, type Statement } from '../../database/database.js';
import { WakeUps } from '../../events/wake-ups.js';
import { Clock } from './clock.js';

/** The part of a principal that says which row must still be there. */
export type Subject = Pick<Principal, 'accountId' | 'sessionId' | 'apiKeyId'>;

/**
 * How long an answer of PostgreSQL counts: so late an end at another instance is noticed that was
 * not told, or not heard.
 */
export const RECHECK_MS = 10_000;

const SUBJECTS_MAX = 50_000;

/**
 * Which of the subjects $1 accounts, $2 families, $3 API keys still stand, by their places from 1.
 */
const LIVING: Statement = {
  name: 'auth.living',
  text: `
    SELECT asked.place::int FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) WITH ORDINALITY AS asked (account_id, family_id, api_key_id, place)
    WHERE CASE
      WHEN asked.family_id IS NOT NULL THEN EXISTS (
        SELECT FROM token_families f WHERE f.account_id = asked.account_id AND f.family_id = asked.family_id AND f.revoked_at IS NULL)
      WHEN asked.api_key_id IS NOT NULL THEN EXISTS (
        SELECT FROM api_keys k WHERE k.account_id = asked.account_id AND k.api_key_id = asked.api_key_id)
      ELSE EXISTS (SELECT FROM accounts a WHERE a.account_id = asked.account_id) END`,
};

interface State {
  checkedAt: number;
  /**
   * Ended in this process: final, whatever a check that was under way at that moment may still
   * answer.
   */
  ended: boolean;
  pending?: Promise<boolean>;
}

/** Subjects that are asked for together. */
interface Batch {
  subjects: Subject[];
  /** Places of those that stand. */
  living: Promise<Set<number>>;
}

/** One text for all tokens of a sign-in, of an API key, or of an account of the outside issuer. */
export const subjectKey = ({ accountId, sessionId, apiKeyId }: Subject): string =>
  `${accountId}/${sessionId ?? apiKeyId ?? ''}`;

/**
 * Knows whether the sign-in, API key or account behind a verified token still stands. Asks
 * PostgreSQL at most every 10 s for each, and again when another instance says that one has ended.
 */
@Injectable()
export class LivenessService {
  private readonly states = new LRUCache<string, State>(atMost(SUBJECTS_MAX));
  private readonly listeners: ((key: string) => void)[] = [];
  private batch: Batch | null = null;

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly wakeUps: WakeUps,
  ) {}

  /**
   * At once where the last check is fresh; else a promise of the next one, which all callers share.
   * Rejects while PostgreSQL is away.
   */
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

  /**
   * Refuses the subject from now on in this process, and has the others ask for it. Call it after
   * the commit.
   */
  end(subject: Subject): void {
    const key = subjectKey(subject);
    this.stateOf(subject).ended = true;
    for (const hear of this.listeners) hear(key);
    this.wakeUps.tell('end', key);
  }

  /**
   * Has `hear` called with the key of each subject that should be looked at again, since it was
   * ended here or elsewhere.
   */
  listen(hear: (key: string) => void): void {
    this.listeners.push(hear);
    this.wakeUps.listen('end', (key) => this.doubt(key));
  }

  /** A check that is under way may have read the row before its end: it must not count any more. */
  private doubt(key: string): void {
    this.states.delete(key);
    for (const hear of this.listeners) hear(key);
  }

  private async check(subject: Subject, state: State): Promise<boolean> {
    try {
      const askedAt = this.clock.now();
      const stands = await this.ask(subject);
      // Families and keys never come back. An account of the outside issuer does, so its absence is
      // asked for again.
      if (stands) state.checkedAt = askedAt;
      else if (subject.sessionId || subject.apiKeyId) state.ended = true;
      return stands && !state.ended;
    } finally {
      delete state.pending;
    }
  }

  /** All who ask in one turn share a statement: a sweep over thousands of sign-ins is one. */
  private async ask(subject: Subject): Promise<boolean> {
    const batch = (this.batch ??= this.openBatch());
    const place = batch.subjects.push(subject);
    return (await batch.living).has(place);
  }

  private openBatch(): Batch {
    const subjects: Subject[] = [];
    const living = Promise.resolve().then(() => {
      this.batch = null;
      return this.find(subjects);
    });
    return { subjects, living };
  }

  private async find(subjects: readonly Subject[]): Promise<Set<number>> {
    const columns = (['accountId', 'sessionId', 'apiKeyId'] as const).map((field) =>
      subjects.map((subject) => subject[field] ?? null),
    );
    const rows = await this.database.query<{ place: number }>(LIVING, columns);
    return new Set(rows.map(({ place }) => place));
  }

  private stateOf(subject: Subject): State {
    const key = subjectKey(subject);
    let state = this.states.get(key);
    if (!state) this.states.set(key, (state = { checkedAt: -Infinity, ended: false }));
    return state;
  }
}
