import { Logger } from '@nestjs/common';
import { ErrorReply, type RedisClientType } from '@redis/client';
import { type Problem, problems } from '../../common/problems.js';
import { Outage } from '../../runtime/outage.js';
import { Redis, RedisAwayError } from '../../runtime/redis.js';
import type { Script } from './redis-session.scripts.js';

/** What is in Redis alone is waited for longer than what one can do without. */
const PATIENCE_MS = 1200;

/** Redis as the store of the chat sessions: what it does not answer is a problem for the client. */
export class RedisConnection {
  private constructor(private readonly redis: Redis) {}

  /** Waits a second at most; a Redis that is away then is tried for on and on. */
  static async open(url: string): Promise<RedisConnection> {
    const logger = new Logger('Sessions');
    const outage = new Outage((cause) =>
      logger.warn({ message: 'Redis is away, chat sessions with it', cause }),
    );
    return new RedisConnection(await new Redis(url, outage, PATIENCE_MS).opened());
  }

  /**
   * Calls `onMessage` for what is published, and `onGap` whenever something may have been missed:
   * after each new connection.
   */
  listen(channel: string, onMessage: (text: string) => void, onGap: () => void): void {
    this.redis.listen(channel, onMessage, onGap);
  }

  /** A command that changes nothing. @throws store_unavailable */
  read<Reply>(run: (client: RedisClientType) => Promise<Reply>): Promise<Reply> {
    return this.attempt(run, away);
  }

  /**
   * Runs a script that writes. @throws store_unavailable when it was not done; outcome_unknown when
   * nobody knows
   */
  write<Reply>(script: Script, keys: string[], values: string[]): Promise<Reply> {
    const unknown = (): Problem =>
      problems.outcomeUnknown({ detail: 'Redis went away in the middle of a change.', ...RETRY });
    return this.attempt((client) => runScript<Reply>(client, script, keys, values), unknown);
  }

  close(): void {
    this.redis.close();
  }

  /** `broken` is what to throw when the command was sent, and what became of it is not known. */
  private async attempt<Reply>(
    run: (client: RedisClientType) => Promise<Reply>,
    broken: () => Problem,
  ): Promise<Reply> {
    try {
      return await this.redis.ask(run);
    } catch (error) {
      if (error instanceof RedisAwayError) throw error.sent ? broken() : away();
      // What Redis itself answers (read-only, loading, out of memory) it has not done.
      if (error instanceof ErrorReply)
        throw away(error.message.startsWith('OOM') ? 'Redis has no room left.' : undefined);
      throw error;
    }
  }
}

const RETRY = { headers: { 'retry-after': '1' } };
const away = (detail = 'Redis is away.'): Problem =>
  problems.storeUnavailable({ detail, ...RETRY });

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
