import { Injectable } from '@nestjs/common';
import { newId } from '../../common/ids.js';
import { problems } from '../../common/problems.js';
import type { IdempotentRequest } from '../../database/idempotency.js';
import type {
  ChatSessionCountDto,
  ChatSessionDto,
  PostChatSessionMessageDto,
} from './chat-sessions.dto.js';
import { messageIdFor, PostKeys } from './post-keys.js';
import { SessionFeed, type Tell } from './session-feed.js';
import { type SessionKey, type SessionMessage, SessionStore } from './session-store.js';

/** What is kept of an Idempotency-Key: nobody's words, and nothing that grows with the session. */
interface PostAnswer {
  message_id: string;
}

/**
 * Sessions by name, which end when nobody writes to them: in Redis where there is one, else in
 * memory.
 */
@Injectable()
export class ChatSessionsService {
  constructor(
    private readonly store: SessionStore,
    private readonly keys: PostKeys,
  ) {}

  /** Those that have messages; the one written to last comes first. @throws store_unavailable */
  async list(accountId: string): Promise<ChatSessionCountDto[]> {
    const sessions = await this.store.list(accountId);
    return sessions.map(({ sessionId, count }) => ({
      session_id: sessionId,
      message_count: count,
    }));
  }

  /** The whole session; empty when nobody wrote to it. @throws store_unavailable */
  async read(key: SessionKey): Promise<ChatSessionDto> {
    return { session_id: key.sessionId, messages: await this.store.read(key) };
  }

  /** What happens in it, for one reader. */
  follow(key: SessionKey, tell: Tell): SessionFeed {
    return new SessionFeed(this.store, key, tell);
  }

  /**
   * Adds a message, and answers nothing of the session. @throws session_full, too_many_sessions,
   * store_unavailable, outcome_unknown
   */
  async append(key: SessionKey, body: PostChatSessionMessageDto): Promise<void> {
    await this.store.append(key, messageOf(newId(), body));
  }

  /**
   * Adds a message, and answers the session up to it. The store knows the id of a request again, so
   * that it may be asked twice.
   * @throws session_full, too_many_sessions, store_unavailable, outcome_unknown,
   * idempotency_key_reused
   */
  async post(
    key: SessionKey,
    body: PostChatSessionMessageDto,
    request: IdempotentRequest | null,
  ): Promise<ChatSessionDto> {
    let messages: SessionMessage[] | undefined;
    const kept = await this.keys.remember(key.accountId, request, async () => {
      const message = messageOf(messageIdFor(key, request), body);
      messages = await this.store.post(key, message);
      // Two requests with one key and two bodies, at once: one of them was first.
      if (!isSame(messages.at(-1)!, message)) throw problems.idempotencyKeyReused();
      return JSON.stringify({ message_id: message.id } satisfies PostAnswer);
    });
    messages ??= upTo(await this.store.read(key), JSON.parse(kept) as PostAnswer);
    return { session_id: key.sessionId, messages };
  }

  /** Answers the empty session. @throws store_unavailable, outcome_unknown */
  async clear(key: SessionKey): Promise<ChatSessionDto> {
    await this.store.clear(key);
    return { session_id: key.sessionId, messages: [] };
  }
}

const messageOf = (id: string, { role, content }: PostChatSessionMessageDto): SessionMessage => ({
  id,
  role,
  content,
  created_at: new Date().toISOString(),
});

const isSame = (one: SessionMessage, other: SessionMessage): boolean =>
  one.role === other.role && one.content === other.content;

/**
 * A session only grows, so this is what was answered first. One that was cleared since is answered
 * as it is now.
 */
function upTo(messages: SessionMessage[], { message_id: id }: PostAnswer): SessionMessage[] {
  const place = messages.findIndex((message) => message.id === id);
  return place < 0 ? messages : messages.slice(0, place + 1);
}
