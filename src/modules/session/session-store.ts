import type { Problem } from '../../common/problems.js';
import { problems } from '../../common/problems.js';

export const ROLES = ['user', 'assistant', 'system'] as const;
export type SessionRole = (typeof ROLES)[number];

/**
 * A session belongs to an account; another account's session of the same name is another session.
 */
export interface SessionKey {
  accountId: string;
  /** 1 to 200 UTF-16 code units, taken as it is. */
  sessionId: string;
}

export interface SessionMessage {
  /** UUID. */
  id: string;
  role: SessionRole;
  content: string;
  /** ISO 8601, UTC. */
  created_at: string;
}

/** A session in the list of its account. */
export interface SessionCount {
  sessionId: string;
  /** Never 0. */
  count: number;
}

/**
 * What was done to a session: a message was put at its end, or it was cleared (message: null),
 * which is worth telling of an empty one too.
 */
export interface SessionChange {
  message: SessionMessage | null;
  /** The id of the message that was the last one before; '' in an empty session. */
  after: string;
}

/**
 * Why somebody who watches a session is woken: a change, or `look`, because changes may have been
 * missed.
 */
export type Wake = SessionChange | 'look';

/**
 * What a session, and an account, can hold. A session is read and answered as a whole, so its bytes
 * (as JSON) are bounded too; those of all sessions of an account are, so that nobody takes the room
 * of everybody.
 */
export interface SessionLimits {
  messagesMax: number;
  bytesMax: number;
  sessionsMax: number;
  accountBytesMax: number;
}

const MIB = 1024 * 1024;
export const SESSION_LIMITS: SessionLimits = {
  messagesMax: 10_000,
  bytesMax: 8 * MIB,
  sessionsMax: 10_000,
  accountBytesMax: 32 * MIB,
};

/**
 * Lists of messages that are forgotten when nobody writes to them for a while. There is nothing to
 * create: a session that nobody wrote to is empty. All methods throw `store_unavailable` within 2 s
 * while the store is away; nothing ever waits for its return.
 */
export abstract class SessionStore {
  /**
   * Puts the message at the end and gives the session its full time to live again. However many
   * append at once, and wherever: none is lost, and all readers see one order. A message whose id
   * the session has already changes nothing.
   * @throws session_full, too_many_sessions; outcome_unknown when the store went away in the middle
   */
  abstract append(key: SessionKey, message: SessionMessage): Promise<void>;

  /**
   * Appends, and answers the session as it was in that moment: all messages up to this one, also
   * when the session had it already.
   */
  abstract post(key: SessionKey, message: SessionMessage): Promise<SessionMessage[]>;

  /** The messages from the position `from` on (0 is the first), in their order. */
  abstract read(key: SessionKey, from?: number): Promise<SessionMessage[]>;

  /** The sessions of the account that have messages; the one written to last comes first. */
  abstract list(accountId: string): Promise<SessionCount[]>;

  /** Empties the session. @throws outcome_unknown when the store went away in the middle */
  abstract clear(key: SessionKey): Promise<void>;

  /**
   * Calls `listener` soon after every append and clear by anybody on any instance, in their order,
   * and whenever one may have been missed. A session that ran out of time wakes nobody.
   * @returns a function that ends it
   */
  abstract watch(key: SessionKey, listener: (wake: Wake) => void): () => void;
}

/** The refusal of a session that holds all it may. */
export const sessionFull = ({ messagesMax, bytesMax }: SessionLimits): Problem =>
  problems.sessionFull({
    detail: `A session holds at most ${messagesMax} messages, and ${bytesMax} bytes of them as JSON.`,
  });

export const tooManySessions = ({ sessionsMax }: SessionLimits): Problem =>
  problems.tooManySessions({
    detail: `An account has at most ${sessionsMax} sessions with messages.`,
  });

export const outOfRoom = ({ accountBytesMax }: SessionLimits): Problem =>
  problems.tooManySessions({
    detail: `The sessions of an account hold at most ${accountBytesMax} bytes of messages as JSON together.`,
  });
