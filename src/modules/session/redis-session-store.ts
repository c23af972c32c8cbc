import { ClosesAt } from '../../runtime/shutdown.module.js';
import { RedisConnection, runScript } from './redis-connection.js';
import { APPEND, CLEAR, LIVING } from './redis-session.scripts.js';
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
import type { SessionChange, Wake } from './session-store.js';
import { textOf, Watchers } from './watchers.js';

/**
 * Where all instances tell each other what changed: the session as a JSON string, a line feed, and
 * the change as JSON.
 */
const CHANNEL = 'banyan:chat-session-changes';

/** Sessions in Redis, shared by all instances; Redis itself ends those that nobody writes to. */
export class RedisSessionStore extends SessionStore {
  private readonly watchers = new Watchers();

  private constructor(
    private readonly redis: RedisConnection,
    private readonly ttlSeconds: number,
    private readonly limits: typeof SESSION_LIMITS,
  ) {
    super();
    redis.listen(
      CHANNEL,
      (text) => this.hear(text),
      () => this.watchers.wakeAll(),
    );
  }

  /** Waits a second for Redis at most, and does not need it yet. */
  static async open(
    url: string,
    ttlSeconds: number,
    limits = SESSION_LIMITS,
  ): Promise<RedisSessionStore> {
    return new RedisSessionStore(await RedisConnection.open(url), ttlSeconds, limits);
  }

  async append(key: SessionKey, message: SessionMessage): Promise<void> {
    await this.write(key, message, '');
  }

  async post(key: SessionKey, message: SessionMessage): Promise<SessionMessage[]> {
    return messagesOf(await this.write(key, message, 'whole'));
  }

  async read(key: SessionKey, from = 0): Promise<SessionMessage[]> {
    return messagesOf(await this.redis.read((client) => client.lRange(keysOf(key)[0]!, from, -1)));
  }

  async list(accountId: string): Promise<SessionCount[]> {
    return this.redis.read(async (client) => {
      const names = await runScript<string[]>(client, LIVING, [sessionsKey(accountId)]);
      const counts = await Promise.all(
        names.map((sessionId) => client.lLen(keysOf({ accountId, sessionId })[0]!)),
      );
      // One that ended between the two answers has none.
      return names
        .map((sessionId, i) => ({ sessionId, count: counts[i]! }))
        .filter(({ count }) => count > 0);
    });
  }

  async clear(key: SessionKey): Promise<void> {
    await this.redis.write(CLEAR, keysOf(key), [
      key.sessionId,
      CHANNEL,
      JSON.stringify(textOf(key)),
    ]);
  }

  watch(key: SessionKey, listener: (wake: Wake) => void): () => void {
    return this.watchers.add(textOf(key), listener);
  }

  @ClosesAt('redis')
  close(): void {
    this.redis.close();
  }

  private async write(
    key: SessionKey,
    message: SessionMessage,
    answer: 'whole' | '',
  ): Promise<string[]> {
    const { messagesMax, bytesMax, sessionsMax, accountBytesMax } = this.limits;
    const outcome = await this.redis.write<string[] | 'full' | 'sessions' | 'room'>(
      APPEND,
      keysOf(key),
      [
        JSON.stringify(message),
        message.id,
        key.sessionId,
        ...[this.ttlSeconds * 1000, messagesMax, bytesMax, sessionsMax, accountBytesMax].map(
          String,
        ),
        CHANNEL,
        JSON.stringify(textOf(key)),
        answer,
      ],
    );
    if (outcome === 'full') throw sessionFull(this.limits);
    if (outcome === 'sessions') throw tooManySessions(this.limits);
    if (outcome === 'room') throw outOfRoom(this.limits);
    return outcome;
  }

  private hear(text: string): void {
    const split = text.indexOf('\n');
    const session = JSON.parse(text.slice(0, split)) as string;
    // Most sessions are followed by nobody here, and a message may be long.
    if (this.watchers.has(session))
      this.watchers.wake(session, JSON.parse(text.slice(split)) as SessionChange);
  }
}

const messagesOf = (texts: string[]): SessionMessage[] =>
  texts.map((text) => JSON.parse(text) as SessionMessage);

/** The braces keep all keys of an account on one node of a cluster, as scripts need it. */
const sessionsKey = (accountId: string): string => `banyan:{${accountId}}:sessions`;

const keysOf = ({ accountId, sessionId }: SessionKey): string[] => [
  `banyan:{${accountId}}:session:${sessionId}`,
  `banyan:{${accountId}}:session-facts:${sessionId}`,
  sessionsKey(accountId),
  `banyan:{${accountId}}:session-bytes`,
];
