import { Logger } from '@nestjs/common';
import type { RedisClientType } from '@redis/client';
import { type Problem, problems } from '../../common/problems.js';
import type { Script } from './redis-session.scripts.js';

/** A command that takes longer counts as failed. */
const PATIENCE_MS = 1200;
/** How long nobody waits for a Redis that let a command go unanswered. */
const PAUSE_MS = 1000;
/** What the start waits for the first connection; it does not need it. */
const START_PATIENCE_MS = 1000;
const RECONNECT_MS_MAX = 1000;

/**
 * A Redis that fails at once while it is away, and comes back by itself. One connection for commands, and one that hears what is
 * published, since a connection that listens can do nothing else.
 */
export class RedisConnection {
  private readonly logger = new Logger('Sessions');
  private silentUntilMs = 0;
  private toldAway = false;

  private constructor(
    private readonly commands: RedisClientType,
    private readonly subscriber: RedisClientType,
  ) {
    commands.on('error', (error: Error) => this.tellOnce(error));
    commands.on('ready', () => (this.toldAway = false));
    subscriber.on('error', () => undefined);
  }

  /** Waits a second at most; a Redis that is away then is tried for on and on. */
  static async open(url: string): Promise<RedisConnection> {
    const { createClient } = await import('@redis/client');
    const socket = {
      connectTimeout: 500,
      // Notices a server that fell silent without a good-bye (a lost network, a failed machine), which TCP would tell after minutes.
      socketTimeout: 5000,
      reconnectStrategy: (tries: number) => Math.min(100 * 2 ** tries, RECONNECT_MS_MAX),
    };
    const client = (disableOfflineQueue: boolean) =>
      createClient({ url, disableOfflineQueue, pingInterval: 2000, socket }) as unknown as RedisClientType;
    const connection = new RedisConnection(client(true), client(false));
    await Promise.race([
      Promise.all([connection.commands.connect(), connection.subscriber.connect()]),
      new Promise((resolve) => setTimeout(resolve, START_PATIENCE_MS).unref()),
    ]).catch(() => undefined);
    return connection;
  }

  /** Calls `onMessage` for what is published, and `onGap` whenever something may have been missed: after each new connection. */
  listen(channel: string, onMessage: (text: string) => void, onGap: () => void): void {
    this.subscriber.on('ready', onGap);
    // Waits in the client while Redis is away, and is done again by the client after every reconnection.
    void this.subscriber.subscribe(channel, onMessage).then(onGap, () => undefined);
  }

  /** A command that changes nothing. @throws store_unavailable */
  read<Reply>(run: (client: RedisClientType) => Promise<Reply>): Promise<Reply> {
    return this.attempt(run, away);
  }

  /** Runs a script that writes. @throws store_unavailable when it was not done; outcome_unknown when nobody knows */
  write<Reply>(script: Script, keys: string[], values: string[]): Promise<Reply> {
    const unknown = (): Problem => problems.outcomeUnknown({ detail: 'Redis went away in the middle of a change.', ...RETRY });
    return this.attempt((client) => runScript<Reply>(client, script, keys, values), unknown);
  }

  close(): void {
    for (const client of [this.commands, this.subscriber]) if (client.isOpen) client.destroy();
  }

  /** `broken` is what to throw when the command was sent, and what became of it is not known. */
  private async attempt<Reply>(run: (client: RedisClientType) => Promise<Reply>, broken: () => Problem): Promise<Reply> {
    if (!this.commands.isReady || performance.now() < this.silentUntilMs) throw away();
    try {
      return await this.inTime(run(this.commands));
    } catch (error) {
      this.tellOnce(error as Error);
      // What Redis itself answers (read-only, loading, out of memory) it has not done.
      const { ErrorReply } = await import('@redis/client');
      if (!(error instanceof ErrorReply)) throw broken();
      throw away(error.message.startsWith('OOM') ? 'Redis has no room left.' : undefined);
    }
  }

  private async inTime<Reply>(reply: Promise<Reply>): Promise<Reply> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        this.silentUntilMs = performance.now() + PAUSE_MS;
        reject(new Error('Redis does not answer'));
      }, PATIENCE_MS);
    });
    return Promise.race([reply, late]).finally(() => clearTimeout(timer));
  }

  /** The client reports every attempt to connect; one line for each outage is enough. */
  private tellOnce({ message }: Error): void {
    if (this.toldAway) return;
    this.toldAway = true;
    this.logger.warn({ message: 'Redis is away, chat sessions with it', cause: message });
  }
}

const RETRY = { headers: { 'retry-after': '1' } };
const away = (detail = 'Redis is away.'): Problem => problems.storeUnavailable({ detail, ...RETRY });

/** By its name; the first time, and after Redis was restarted, by its text. */
export async function runScript<Reply>(
  client: RedisClientType,
  { text, sha1 }: Script,
  keys: string[],
  values: string[] = [],
): Promise<Reply> {
  const rest = [String(keys.length), ...keys, ...values];
  try {
    return (await client.sendCommand(['EVALSHA', sha1, ...rest])) as Reply;
  } catch (error) {
    if (!(error as Error).message.startsWith('NOSCRIPT')) throw error;
    return (await client.sendCommand(['EVAL', text, ...rest])) as Reply;
  }
}
