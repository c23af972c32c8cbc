import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { newId } from '../../common/ids.js';
import { problems } from '../../common/problems.js';
import type { MemoryRole, SessionMessageDto, StartedSessionDto } from './memory-sessions.dto.js';
import { MemorySessionStore } from './memory-session-store.js';
import { type SessionKey, SESSION_LIMITS, tooManySessions } from './session-store.js';
import { textOf } from './watchers.js';

/** Of all accounts together. Beyond it, those go first that were not used for the longest time. */
const SESSIONS_MAX = 100_000;

interface Head {
  key: SessionKey;
  started: StartedSessionDto;
}

interface Account {
  /** The newest number; it only rises, so that a number is never given twice. */
  last: number;
  /** Sessions that are there. */
  open: number;
}

const keyOf = (accountId: string, sessionId: number): SessionKey => ({ accountId, sessionId: String(sessionId) });

/** Numbered sessions in the memory of this process. Other instances do not know them, and they end with it. */
@Injectable()
export class MemorySessionsService {
  private readonly accounts = new Map<string, Account>();
  private readonly heads = new LRUCache<string, Head>({
    max: SESSIONS_MAX,
    dispose: ({ key }, _text, reason) => {
      this.accounts.get(key.accountId)!.open--;
      if (reason === 'evict') void this.messages.clear(key);
    },
  });
  private readonly messages = new MemorySessionStore({
    ttlSeconds: 0,
    onEvicted: (key) => void this.heads.delete(textOf(key)),
  });

  /** @throws too_many_sessions */
  start(accountId: string, sessionUser: string): StartedSessionDto {
    const account = this.accounts.get(accountId) ?? { last: 0, open: 0 };
    if (account.open >= SESSION_LIMITS.sessionsMax) throw tooManySessions(SESSION_LIMITS);
    this.accounts.set(accountId, account);
    account.open++;
    const started = { session_id: ++account.last, session_user: sessionUser, created_at: new Date().toISOString() };
    const key = keyOf(accountId, started.session_id);
    this.heads.set(textOf(key), { key, started });
    return started;
  }

  /** @throws session_not_found, session_full */
  async post(accountId: string, sessionId: number, { role, content }: SessionMessageDto): Promise<SessionMessageDto> {
    const key = this.known(accountId, sessionId);
    await this.messages.append(key, { id: newId(), role, content, created_at: new Date().toISOString() });
    return { role, content };
  }

  /** In their order; those of one role where one is said. @throws session_not_found */
  async read(accountId: string, sessionId: number, only?: MemoryRole): Promise<SessionMessageDto[]> {
    const messages = await this.messages.read(this.known(accountId, sessionId));
    return messages
      .filter(({ role }) => only === undefined || role === only)
      .map(({ role, content }) => ({ role: role as MemoryRole, content }));
  }

  private known(accountId: string, sessionId: number): SessionKey {
    const head = this.heads.get(textOf(keyOf(accountId, sessionId)));
    if (!head) throw problems.sessionNotFound();
    return head.key;
  }
}
