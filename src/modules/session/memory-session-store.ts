import { LRUCache } from 'lru-cache';
import {
  type SessionCount,
  type SessionKey,
  SESSION_LIMITS,
  type SessionMessage,
  SessionStore,
  outOfRoom,
  sessionFull,
  tooManySessions,
} from './session-store.js';
import type { Wake } from './session-store.js';
import { textOf, Watchers } from './watchers.js';

/**
 * Of all sessions of this process together. When they need more, those go first that were not used
 * for the longest time.
 */
const MEMORY_BYTES_MAX = 256 * 1024 * 1024;
/** What a session and a message cost besides their text. */
const SESSION_BYTES = 500;
const MESSAGE_BYTES = 300;

interface Session {
  readonly key: SessionKey;
  readonly messages: SessionMessage[];
  /** Where each message is, by its id. */
  readonly places: Map<string, number>;
  /** As JSON. */
  bytes: number;
}

/**
 * The bytes of an account's sessions, by their names; the one written to last is at the end. Some
 * may have run out of time.
 */
class Account {
  readonly sessions = new Map<string, number>();
  bytes = 0;

  keep(name: string, bytes: number): void {
    this.forget(name);
    this.sessions.set(name, bytes);
    this.bytes += bytes;
  }

  forget(name: string): void {
    this.bytes -= this.sessions.get(name) ?? 0;
    this.sessions.delete(name);
  }
}

export interface MemorySettings {
  /** 0: sessions live as long as the process. */
  ttlSeconds: number;
  /** Called when a session was dropped to make room for others. */
  onEvicted?: (key: SessionKey) => void;
  limits?: typeof SESSION_LIMITS;
  memoryBytesMax?: number;
}

/** Sessions in this process: other instances know nothing of them, and they end with it. */
export class MemorySessionStore extends SessionStore {
  private readonly sessions: LRUCache<string, Session>;
  private readonly accounts = new Map<string, Account>();
  private readonly watchers = new Watchers();
  private readonly limits: typeof SESSION_LIMITS;

  constructor({
    ttlSeconds,
    onEvicted,
    limits = SESSION_LIMITS,
    memoryBytesMax = MEMORY_BYTES_MAX,
  }: MemorySettings) {
    super();
    this.limits = limits;
    this.sessions = new LRUCache<string, Session>({
      ttl: ttlSeconds * 1000,
      ttlResolution: 0,
      maxSize: memoryBytesMax,
      sizeCalculation: ({ bytes, messages }) =>
        bytes + SESSION_BYTES + messages.length * MESSAGE_BYTES,
      dispose: ({ key }, _text, reason) => {
        if (reason === 'set') return;
        this.forget(key);
        if (reason === 'evict') onEvicted?.(key);
      },
    });
  }

  async append(key: SessionKey, message: SessionMessage): Promise<void> {
    this.write(key, message);
  }

  async post(key: SessionKey, message: SessionMessage): Promise<SessionMessage[]> {
    const { messages, places } = this.write(key, message);
    return messages.slice(0, places.get(message.id)! + 1);
  }

  async read(key: SessionKey, from = 0): Promise<SessionMessage[]> {
    return this.sessions.get(textOf(key))?.messages.slice(from) ?? [];
  }

  async list(accountId: string): Promise<SessionCount[]> {
    return this.living(accountId)
      .map(({ key, messages }) => ({ sessionId: key.sessionId, count: messages.length }))
      .reverse();
  }

  async clear(key: SessionKey): Promise<void> {
    const after = lastOf(this.sessions.peek(textOf(key)));
    this.sessions.delete(textOf(key));
    this.watchers.wake(textOf(key), { message: null, after });
  }

  watch(key: SessionKey, listener: (wake: Wake) => void): () => void {
    return this.watchers.add(textOf(key), listener);
  }

  private write(key: SessionKey, message: SessionMessage): Session {
    const session = this.sessions.get(textOf(key)) ?? this.newSession(key);
    if (session.places.has(message.id)) return session;
    const bytes = Buffer.byteLength(JSON.stringify(message));
    if (
      session.messages.length >= this.limits.messagesMax ||
      session.bytes + bytes > this.limits.bytesMax
    )
      throw sessionFull(this.limits);
    this.checkRoom(key.accountId, bytes);
    const after = lastOf(session);
    session.places.set(message.id, session.messages.push(message) - 1);
    this.keep({ ...session, bytes: session.bytes + bytes });
    this.watchers.wake(textOf(key), { message, after });
    return session;
  }

  private newSession(key: SessionKey): Session {
    const { sessionsMax } = this.limits;
    const names = this.accounts.get(key.accountId)?.sessions.size ?? 0;
    if (names >= sessionsMax && this.living(key.accountId).length >= sessionsMax)
      throw tooManySessions(this.limits);
    return { key, messages: [], places: new Map(), bytes: 0 };
  }

  private checkRoom(accountId: string, bytes: number): void {
    const isFull = (): boolean =>
      (this.accounts.get(accountId)?.bytes ?? 0) + bytes > this.limits.accountBytesMax;
    if (!isFull()) return;
    // Lets go of those that have ended.
    this.living(accountId);
    if (isFull()) throw outOfRoom(this.limits);
  }

  /** A new object each time: for the one that it has, the cache would not count the bytes anew. */
  private keep(session: Session): void {
    const { accountId, sessionId } = session.key;
    this.sessions.set(textOf(session.key), session);
    const account = this.accounts.get(accountId) ?? new Account();
    account.keep(sessionId, session.bytes);
    this.accounts.set(accountId, account);
  }

  private living(accountId: string): Session[] {
    const names = [...(this.accounts.get(accountId)?.sessions.keys() ?? [])];
    return names.flatMap((sessionId) => {
      const session = this.sessions.peek(textOf({ accountId, sessionId }));
      if (!session) this.forget({ accountId, sessionId });
      return session ?? [];
    });
  }

  private forget({ accountId, sessionId }: SessionKey): void {
    const account = this.accounts.get(accountId);
    account?.forget(sessionId);
    if (account?.sessions.size === 0) this.accounts.delete(accountId);
  }
}

const lastOf = (session: Session | undefined): string => session?.messages.at(-1)?.id ?? '';
