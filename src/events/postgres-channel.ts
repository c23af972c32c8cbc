import { Logger } from '@nestjs/common';
import type { Database, Statement } from '../database/database.js';
import { StoreClient } from '../database/store-client.js';
import { Outage } from '../runtime/outage.js';
import { Channel } from './channel.js';

const NAME = 'banyan_events';
const NOTIFY: Statement = { name: 'events.notify', text: `SELECT pg_notify('${NAME}', $1)` };
const AGAIN_MS = 1000;
/** A server that fell silent is found out by this. */
const PROBE_MS = 10_000;
const TIMEOUT_MS = 2000;

/**
 * Between instances that share nothing but PostgreSQL: LISTEN on a connection of its own, NOTIFY on
 * the pool. Never in the transaction of a change: PostgreSQL lets transactions with a NOTIFY commit
 * only one after the other.
 */
export class PostgresChannel extends Channel {
  /** PostgreSQL takes 7,999 bytes. */
  override readonly charsMax = 7900;
  private readonly outage = new Outage((cause) =>
    new Logger('Events').warn({
      message: 'LISTEN is away; events of other instances come late',
      cause,
    }),
  );
  private client: StoreClient | undefined;
  private timer: NodeJS.Timeout | undefined;
  private closed = false;

  constructor(
    private readonly url: string,
    private readonly database: Database,
  ) {
    super();
  }

  override async send(message: string): Promise<void> {
    await this.database.query(NOTIFY, [message]);
  }

  override listen(hear: (message: string) => void): void {
    if (this.closed) return;
    const client = new StoreClient({
      connectionString: this.url,
      connectionTimeoutMillis: TIMEOUT_MS,
      query_timeout: TIMEOUT_MS,
      keepAlive: true,
    });
    this.client = client;
    let ended = false;
    const again = (error: unknown): void => {
      if (ended || this.closed) return;
      ended = true;
      this.outage.begin(error);
      destroy(client);
      this.after(AGAIN_MS, () => this.listen(hear));
    };
    client.on('error', again);
    client.on('end', () => again(new Error('the connection ended')));
    client.on('notification', ({ payload }) => hear(payload ?? ''));
    this.open(client, again).catch(again);
  }

  override async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.timer);
    const { client } = this;
    if (!client) return;
    const cut = setTimeout(() => destroy(client), AGAIN_MS);
    await client.end().catch(() => undefined);
    clearTimeout(cut);
  }

  private async open(client: StoreClient, onSilence: (error: unknown) => void): Promise<void> {
    await client.connect();
    await client.query(`LISTEN ${NAME}`);
    this.outage.end();
    const probe = (): void => {
      client.query('SELECT 1').then(() => this.after(PROBE_MS, probe), onSilence);
    };
    this.after(PROBE_MS, probe);
  }

  private after(ms: number, work: () => void): void {
    if (!this.closed) this.timer = setTimeout(work, ms).unref();
  }
}

/** `end()` would wait for a server that says nothing any more. */
function destroy(client: StoreClient): void {
  (
    client as unknown as { connection: { stream: { destroy(): void } } }
  ).connection.stream.destroy();
}
