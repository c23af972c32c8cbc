/**
 * A way to tell something to all other instances. It may lose messages, and need not keep their
 * order: whoever listens must find out the truth from PostgreSQL, and look there now and then when
 * nothing is heard.
 */
export abstract class Channel {
  /** Longest message, in ASCII characters. */
  abstract readonly charsMax: number;

  /** Sends one message. Waits for a bounded time. @throws when the channel is away */
  abstract send(message: string): Promise<void>;

  /**
   * Begins to hear what is sent, by this instance too; again by itself after every outage. Call it
   * once.
   */
  abstract listen(hear: (message: string) => void): void;

  /** Ends both. Never throws. */
  abstract close(): Promise<void>;
}
