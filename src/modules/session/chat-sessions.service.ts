import { Injectable } from '@nestjs/common';
import { v5 } from 'uuid';
import { newId } from '../../common/ids.js';
import type { IdempotentRequest } from '../../database/idempotency.js';
import type { ChatSessionCountDto, ChatSessionDto, PostChatSessionMessageDto } from './chat-sessions.dto.js';
import { SessionFeed, type Tell } from './session-feed.js';
import { type SessionKey, SessionStore } from './session-store.js';

/** Of ids that are made from an Idempotency-Key. */
const KEYED_IDS = '7c0f3c1e-2f0b-5d57-9a43-0d6e8a4f1b26';

/** Sessions by name, which end when nobody writes to them: in Redis where there is one, else in memory. */
@Injectable()
export class ChatSessionsService {
  constructor(private readonly store: SessionStore) {}

  /** Those that have messages; the one written to last comes first. @throws store_unavailable */
  async list(accountId: string): Promise<ChatSessionCountDto[]> {
    const sessions = await this.store.list(accountId);
    return sessions.map(({ sessionId, count }) => ({ session_id: sessionId, message_count: count }));
  }

  /** The whole session; empty when nobody wrote to it. @throws store_unavailable */
  async read(key: SessionKey): Promise<ChatSessionDto> {
    return { session_id: key.sessionId, messages: await this.store.read(key) };
  }

  /** What happens in it, for one reader. */
  follow(key: SessionKey, tell: Tell): SessionFeed {
    return new SessionFeed(this.store, key, tell);
  }

  /** @throws session_full, too_many_sessions, store_unavailable, outcome_unknown */
  async post(key: SessionKey, { role, content }: PostChatSessionMessageDto, request: IdempotentRequest | null = null): Promise<void> {
    await this.store.append(key, { id: idFor(key, request), role, content, created_at: new Date().toISOString() });
  }

  /** Answers the empty session. @throws store_unavailable, outcome_unknown */
  async clear(key: SessionKey): Promise<ChatSessionDto> {
    await this.store.clear(key);
    return { session_id: key.sessionId, messages: [] };
  }
}

/** One request that is sent twice makes one id, by which the store knows the message again. */
function idFor({ accountId, sessionId }: SessionKey, request: IdempotentRequest | null): string {
  return request ? v5(JSON.stringify([accountId, request.scope, request.key, sessionId]), KEYED_IDS) : newId();
}
