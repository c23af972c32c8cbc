import { AsyncResource } from 'node:async_hooks';
import type { Socket } from 'node:net';
import pg, { type ClientConfig, type PoolConfig } from 'pg';
import { Pulse } from '../runtime/deadline.js';
import { afterRunning } from '../runtime/run-clock.js';

/** What a statement fails with whose answer does not come, as node-postgres has it. */
const SILENCE = 'Query read timeout';
/** What everybody fails with who gets no connection. */
const NO_CONNECTION = 'timeout exceeded when trying to connect';

/** Of all connections together. */
const pulse = new Pulse();

/** How long a connection is waited for that is free, or new. */
export const CONNECT_MS = 2000;
/**
 * How long the answer to a statement is waited for; a little longer than PostgreSQL's own
 * `statement_timeout`, for one that says nothing any more.
 */
export const ANSWER_MS = 2900;

/**
 * A connection to PostgreSQL that cannot end the process. node-postgres hands connections on before
 * anybody listens to them, and the `error` event of one that ends in that moment (a fail-over says
 * so in the same segment as the end of an answer) would be heard by nobody. Who uses the connection
 * is told by its statement, which waits no longer than the request may that it is for.
 */
export class StoreClient extends pg.Client {
  private readonly answerMs: number | undefined;
  private readonly openMs: number | undefined;

  constructor(config?: StoreConfig) {
    // The clock of node-postgres goes on where this process stands still, and ends what the store
    // has answered meanwhile.
    super({ ...config, query_timeout: undefined });
    this.answerMs = config?.query_timeout;
    this.openMs = config?.openMs;
    this.on('error', () => undefined);
  }

  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- two overloads, handed on
  override connect(callback?: any): any {
    if (!callback || !this.openMs) return super.connect(callback as OnEnd);
    const stop = afterRunning(this.openMs, () => this.cut(NO_CONNECTION));
    super.connect((error: Error) => {
      stop();
      (callback as OnEnd)(error);
    });
  }

  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- nine overloads, handed on
  override query(statement: any, values?: any, callback?: any): any {
    const stop = pulse.watch(() => this.cut(SILENCE), this.answerMs);
    if (callback) {
      return super.query(statement as string, values as unknown[], (error, result) => {
        this.answered(stop, error);
        (callback as Callback)(error, result);
      });
    }
    const sent: unknown = super.query(statement as string, values as unknown[]);
    if (!(sent instanceof Promise)) return sent;
    return sent.then(
      (result: unknown) => {
        this.answered(stop);
        return result;
      },
      (error: Error) => {
        this.answered(stop, error);
        throw error;
      },
    );
  }

  private answered(stop: () => void, error?: Error | null): void {
    stop();
    if (!error || error instanceof pg.DatabaseError) pulse.beat();
    // A server that fell silent leaves its connection waiting for ever: nobody may get it from the
    // pool again.
    else if (error.message === SILENCE) this.end().catch(() => undefined);
  }

  /** Fails all that waits for this connection. */
  private cut(why: string): void {
    (this as unknown as { connection: { stream: Socket } }).connection.stream.destroy(
      new Error(why),
    );
  }
}

/** @property openMs how long a pool waits for a new connection */
type StoreConfig = ClientConfig & { openMs?: number };
type OnEnd = (error: Error) => void;
type Callback = (error: Error | null, result: unknown) => void;
type OnConnect = (
  error: Error | undefined,
  client?: unknown,
  release?: (error?: Error) => void,
) => void;

/** A pool of such connections, that nobody waits for longer than the request may that it is for. */
class StorePool extends pg.Pool {
  private readonly openMs: number | undefined;

  constructor({ connectionTimeoutMillis: openMs, ...options }: PoolConfig = {}) {
    super({ ...options, Client: StoreClient, openMs } as PoolConfig);
    this.openMs = openMs;
  }

  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- as above
  override connect(callback?: any): any {
    if (!callback) return super.connect();
    // The pool calls from within whatever gave the connection back. (`AsyncResource.bind` takes ten
    // times as long.)
    const caller = new AsyncResource('StorePool');
    const tell: OnConnect = (...told) =>
      caller.runInAsyncScope(callback as OnConnect, undefined, ...told);
    let isLate = false;
    const stop = pulse.watch(() => {
      isLate = true;
      tell(new Error(NO_CONNECTION));
    }, this.openMs);
    super.connect((error, client, release) => {
      stop();
      if (!isLate) tell(error, client, release);
      else if (client) release();
    });
  }
}

/** What TypeORM takes in the place of node-postgres. */
export const storeDriver = { ...pg, Pool: StorePool };
