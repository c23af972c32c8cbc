import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { atMost } from '../../common/at-most.js';
import { problems } from '../../common/problems.js';
import type { IdempotentRequest } from '../../database/idempotency.js';
import type { MemoryRole, SessionMessageDto, StartedSessionDto } from './memory-sessions.dto.js';
import { MemorySessionStore } from './memory-session-store.js';
import { messageIdFor, ProcessKeys } from './post-keys.js';
import { SessionNumbersService } from './session-numbers.service.js';
import { type SessionKey, SESSION_LIMITS, tooManySessions } from './session-store.js';
import { textOf } from './watchers.js';

/** Of all accounts together. Beyond it, those go first that were not used for the longest time. */
const SESSIONS_MAX = 100_000;

const keyOf = (accountId: string, sessionId: number): SessionKey => ({
  accountId,
  sessionId: String(sessionId),
});

/**
 * Numbered sessions in the memory of this process. Other instances do not know them, and they end
 * with it.
 */
@Injectable()
export class MemorySessionsService {
  private readonly keys = new ProcessKeys();
  /** How many sessions each account has here. */
  private readonly counts = new Map<string, number>();
  private readonly open = new LRUCache<string, SessionKey>({
    ...atMost(SESSIONS_MAX),
    dispose: (key, _text, reason) => {
      this.count(key.accountId, -1);
      if (reason === 'evict') void this.messages.clear(key);
    },
  });
  private readonly messages = new MemorySessionStore({
    ttlSeconds: 0,
    onEvicted: (key) => void this.open.delete(textOf(key)),
  });

  constructor(private readonly numbers: SessionNumbersService) {}

  /** Answers a `StartedSessionDto` as JSON. @throws too_many_sessions, idempotency_key_reused */
  start(
    accountId: string,
    sessionUser: string,
    request: IdempotentRequest | null,
  ): Promise<string> {
    return this.keys.remember(accountId, request, async () => {
      if ((this.counts.get(accountId) ?? 0) >= SESSION_LIMITS.sessionsMax)
        throw tooManySessions(SESSION_LIMITS);
      const number = await this.numbers.next(accountId);
      const key = keyOf(accountId, number);
      this.open.set(textOf(key), key);
      this.count(accountId, 1);
      const started: StartedSessionDto = {
        session_id: number,
        session_user: sessionUser,
        created_at: new Date().toISOString(),
      };
      return JSON.stringify(started);
    });
  }

  /** @throws session_not_found, session_full, too_many_sessions, idempotency_key_reused */
  async post(
    accountId: string,
    sessionId: number,
    { role, content }: SessionMessageDto,
    request: IdempotentRequest | null,
  ): Promise<SessionMessageDto> {
    const key = this.known(accountId, sessionId);
    // The answer is what was asked, so nothing is kept of it.
    await this.keys.remember(accountId, request, async () => {
      await this.messages.append(key, {
        id: messageIdFor(key, request),
        role,
        content,
        created_at: new Date().toISOString(),
      });
      return '';
    });
    return { role, content };
  }

  /** In their order; those of one role where one is said. @throws session_not_found */
  async read(
    accountId: string,
    sessionId: number,
    only?: MemoryRole,
  ): Promise<SessionMessageDto[]> {
    const messages = await this.messages.read(this.known(accountId, sessionId));
    return messages
      .filter(({ role }) => only === undefined || role === only)
      .map(({ role, content }) => ({ role: role as MemoryRole, content }));
  }

  private known(accountId: string, sessionId: number): SessionKey {
    const key = this.open.get(textOf(keyOf(accountId, sessionId)));
    if (!key) throw problems.sessionNotFound();
    return key;
  }

  private count(accountId: string, change: number): void {
    const count = (this.counts.get(accountId) ?? 0) + change;
    if (count > 0) this.counts.set(accountId, count);
    else this.counts.delete(accountId);
  }
}
