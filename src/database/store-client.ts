import pg, { type ClientConfig, type PoolConfig } from 'pg';

const SILENCE = 'Query read timeout';

/**
 * A connection to PostgreSQL that cannot end the process. node-postgres hands connections on before anybody listens to them, and the `error`
 * event of one that ends in that moment (a fail-over says so in the same segment as the end of an answer) would be heard by nobody. Who uses the
 * connection is told by its statement.
 */
export class StoreClient extends pg.Client {
  constructor(config?: string | ClientConfig) {
    super(config);
    this.on('error', () => undefined);
  }

  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- a method with nine overloads, handed through
  override query(statement: any, values?: any, callback?: any): any {
    if (callback) return super.query(statement, values, this.watching(callback as Callback));
    const sent: unknown = super.query(statement, values);
    return sent instanceof Promise ? sent.catch((error: Error) => this.rethrow(error)) : sent;
  }

  private watching(callback: Callback): Callback {
    return (error, result) => {
      if (error) this.endIfSilent(error);
      callback(error, result);
    };
  }

  private rethrow(error: Error): never {
    this.endIfSilent(error);
    throw error;
  }

  /** A server that fell silent leaves its connection waiting for ever: nobody may get it from the pool again. */
  private endIfSilent({ message }: Error): void {
    if (message === SILENCE) this.end().catch(() => undefined);
  }
}

type Callback = (error: Error | null, result: unknown) => void;

/** A pool of such connections. */
class StorePool extends pg.Pool {
  constructor(options?: PoolConfig) {
    super({ ...options, Client: StoreClient });
  }
}

/** What TypeORM takes in the place of node-postgres. */
export const storeDriver = { ...pg, Pool: StorePool };
