import { EventEmitter, on } from 'node:events';
import { Client, type Pool, type PoolClient } from 'pg';
import { DataSource } from 'typeorm';
import { AnswerReader } from '../../src/modules/answer/answer-reader.js';
import type { TestApp } from './app.js';
import { deadlocksSoFar } from './deadlocks.js';

/**
 * One moment of a piece of work: before a statement of its transaction, or at a row that it has
 * just locked or written.
 */
export interface Step {
  n: number;
  tx: string;
  what: string;
  /** Tables in which its transaction has locked or written rows until then. */
  tables: string[];
}

export interface Meeting<A, B> {
  first: A;
  second: B;
  /**
   * Where the second had to wait for a lock of the first: in which statement, for which row. Null
   * when it had not to wait.
   */
  waited: string | null;
  /** Whether it waited before it had locked or written anything: then nobody can wait for it. */
  emptyHanded: boolean;
  deadlocks: number;
}

/**
 * What runs under the name `first` notes each of its steps that concern the account, and stops at
 * the one that is aimed at, with all that it has locked so far in its hands, until the test gives
 * the advisory lock free.
 */
const SQL = `
  CREATE SCHEMA locks;
  CREATE SEQUENCE locks.steps;
  CREATE TABLE locks.aim (account uuid, at int, recording boolean);
  INSERT INTO locks.aim VALUES (NULL, NULL, false);
  CREATE TABLE locks.trail (n int, tx text, what text, tables text[]);
  CREATE FUNCTION locks.note(what text) RETURNS void LANGUAGE plpgsql AS $$
  DECLARE n int := nextval('locks.steps'); aimed int; records boolean;
  BEGIN
    SELECT at, recording INTO aimed, records FROM locks.aim;
    IF records THEN
      INSERT INTO locks.trail VALUES (n, txid_current()::text, what, ARRAY(
        SELECT relation::regclass::text FROM pg_locks JOIN pg_class c ON c.oid = relation AND c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
        WHERE pid = pg_backend_pid() AND mode IN ('RowShareLock', 'RowExclusiveLock') AND relation <> 'accounts'::regclass));
    ELSIF n = aimed THEN
      RAISE NOTICE 'stopped';
      PERFORM pg_advisory_xact_lock_shared(7);
    END IF;
  END $$;
  CREATE FUNCTION locks.on_row() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    PERFORM pg_stat_force_next_flush();
    IF current_setting('application_name') = 'first' AND (CASE TG_OP WHEN 'DELETE' THEN OLD.account_id ELSE NEW.account_id END) = (SELECT account FROM locks.aim) THEN
      PERFORM locks.note(TG_WHEN || ' ' || TG_OP || ' ' || TG_TABLE_NAME || ' ' || md5(current_query()));
    END IF;
    RETURN coalesce(NEW, OLD);
  END $$;
  DO $$ DECLARE t text; BEGIN
    FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'migrations' LOOP
      EXECUTE format('CREATE TRIGGER a_step BEFORE UPDATE OR DELETE ON %I FOR EACH ROW WHEN (current_setting(''application_name'') IN (''first'', ''second'')) EXECUTE FUNCTION locks.on_row()', t);
      EXECUTE format('CREATE TRIGGER z_step AFTER INSERT OR UPDATE OR DELETE ON %I FOR EACH ROW WHEN (current_setting(''application_name'') IN (''first'', ''second'')) EXECUTE FUNCTION locks.on_row()', t);
    END LOOP;
  END $$`;

/**
 * Where a connection waits for a row or for whoever has it. It has a transaction id as soon as it
 * begins to lock or to write.
 */
const WAITS = `
  SELECT a.query, a.backend_xid IS NULL AS empty, t.relation::regclass::text AS relation, format('(%s,%s)', t.page, t.tuple) AS ctid
  FROM pg_stat_get_activity($1) a LEFT JOIN pg_locks t ON t.pid = a.pid AND t.locktype = 'tuple'
  WHERE EXISTS (SELECT FROM pg_locks l WHERE l.pid = a.pid AND NOT l.granted)
  LIMIT 1`;

/** Whether the first one has the end of an answer in its hands, and has not committed it. */
const IS_ENDING = `
  SELECT FROM generations g JOIN pg_stat_activity a ON a.backend_xid = g.xmax
  WHERE g.account_id = $1 AND g.response_id = $2 AND a.application_name = 'first'`;

interface Wait {
  query: string;
  empty: boolean;
  relation: string | null;
  ctid: string;
}

/** What is told of the second: it waits for a lock, or for the end of an answer. */
interface Waiting {
  pid?: number;
  answer?: [accountId: string, responseId: string];
}

/** Who waits for a lock for so long looks for a deadlock, and says that it waits. */
const WAITS_MS = 5;
/** Both work for some milliseconds; whoever does nothing for so long will not go on. */
const PATIENCE_MS = 60_000;

/** Makes two pieces of work, at two instances on one database, meet at any of their steps. */
export class Interleaver {
  /** Where they are is told, and not asked for again and again. */
  private readonly heard = new EventEmitter();

  private constructor(readonly sql: Client) {}

  static async between(first: TestApp, second: TestApp): Promise<Interleaver> {
    const sql = new Client({ connectionString: first.databaseUrl });
    await sql.connect();
    await sql.query(SQL);
    const meetings = new Interleaver(sql);
    meetings.listen(first, second);
    return meetings;
  }

  private listen(first: TestApp, second: TestApp): void {
    name(poolOf(first), 'first', (client) => {
      gate(client);
      client.on('notice', ({ message }) => message === 'stopped' && this.heard.emit('stopped'));
    });
    const tell = (waiting: Waiting): boolean => this.heard.emit('waiting', waiting);
    name(poolOf(second), 'second', (client) => {
      const { processID: pid } = client as unknown as { processID: number };
      client.on(
        'notice',
        ({ message = '' }) => / still waiting for /.test(message) && tell({ pid }),
      );
    });
    const answers = second.app.get(AnswerReader, { strict: false });
    const hasEnded = answers.hasEnded.bind(answers);
    answers.hasEnded = (...answer) => {
      tell({ answer: [answer[0], answer[1]] });
      return hasEnded(...answer);
    };
  }

  close(): Promise<void> {
    return this.sql.end();
  }

  /** The steps of some work of the first instance. */
  async steps(account: string, work: () => Promise<unknown>): Promise<Step[]> {
    await this.sql.query('TRUNCATE locks.trail');
    await this.aim(account, null, true);
    await work();
    await this.aim(null, null, false);
    return (await this.sql.query<Step>('SELECT * FROM locks.trail ORDER BY n')).rows;
  }

  /**
   * Stops the first work at a step, lets the second run until it ends or waits, and then lets both
   * end. Neither may reject.
   */
  async meet<A, B>(
    account: string,
    at: number,
    first: () => Promise<A>,
    second: () => Promise<B>,
  ): Promise<Meeting<A, B>> {
    const before = await deadlocksSoFar(this.sql);
    // Before it is aimed at: what goes on behind an earlier answer may come to the step at once.
    const stopped = new Promise<void>((resolve) => this.heard.once('stopped', resolve));
    await this.sql.query('SELECT pg_advisory_lock(7)');
    await this.aim(account, at, false);
    const one = first();
    await Promise.race([one, stopped]);
    const waiting = this.waitOfSecond();
    const two = second();
    const ended = (): boolean => this.heard.emit('ended');
    void two.then(ended, ended);
    const { waited, emptyHanded } = await waiting;
    await this.sql.query('SELECT pg_advisory_unlock(7)');
    const [a, b] = await Promise.all([one, two]);
    this.heard.removeAllListeners();
    await this.aim(null, null, false);
    const deadlocks = (await deadlocksSoFar(this.sql)) - before;
    return { first: a, second: b, waited, emptyHanded, deadlocks };
  }

  private async aim(account: string | null, at: number | null, recording: boolean): Promise<void> {
    await this.sql.query({
      name: 'aim',
      text: `UPDATE locks.aim SET account = $1, at = $2, recording = $3 WHERE setval('locks.steps', 1, false) = 1`,
      values: [account, at, recording],
    });
  }

  /**
   * Where the second waits for the first. It ends, or waits for a lock, or for an answer whose end
   * the first holds in its hands: then it holds no lock, and waits nowhere.
   */
  private async waitOfSecond(): Promise<Pick<Meeting<unknown, unknown>, 'waited' | 'emptyHanded'>> {
    const until = { close: ['ended'], signal: AbortSignal.timeout(PATIENCE_MS) };
    for await (const [told] of on(this.heard, 'waiting', until)) {
      const { pid, answer } = told as Waiting;
      if (answer && (await this.finds('ending', IS_ENDING, answer))) break;
      const wait = pid && (await this.finds<Wait>('waits', WAITS, [pid]));
      if (wait) return { waited: await this.placeOf(wait), emptyHanded: wait.empty };
    }
    return { waited: null, emptyHanded: false };
  }

  private async finds<Row extends object>(
    name: string,
    text: string,
    values: unknown[],
  ): Promise<Row | undefined> {
    return (await this.sql.query<Row>({ name, text, values })).rows[0];
  }

  /**
   * Who waits for a row has a lock of its place in the table, by which the row is found; who waits
   * for a key has not.
   */
  private async placeOf({ query, relation, ctid }: Wait): Promise<string> {
    if (relation === null) return query;
    const { rows } = await this.sql.query<{ row: object }>(
      `SELECT to_jsonb(t) AS row FROM ${relation} t WHERE ctid = $1::tid`,
      [ctid],
    );
    const ids = Object.entries(rows[0]?.row ?? {}).filter(([column]) =>
      /_id$|^(seq|key|day|n)$/.test(column),
    );
    return JSON.stringify([query, relation, ids]);
  }
}

const poolOf = ({ app }: TestApp): Pool =>
  (app.get(DataSource).driver as unknown as { master: Pool }).master;

/**
 * Its connections, those that are there and those that come, tell PostgreSQL who they are, find
 * deadlocks at once, and are told when they wait for a lock.
 */
function name(pool: Pool, who: string, then: (client: PoolClient) => void): void {
  const settings = {
    ...{ application_name: who, deadlock_timeout: WAITS_MS, log_lock_waits: 'on' },
    ...{ client_min_messages: 'log', log_min_messages: 'fatal' },
    // Who is stopped, or waits for it, does so for as long as the test takes.
    ...{ statement_timeout: 0, lock_timeout: 0, idle_in_transaction_session_timeout: 0 },
  };
  // A connection that ends takes its plans along, and the next one makes them all again.
  pool.options.idleTimeoutMillis = 0;
  const all = Object.entries(settings).map(([setting, value]) => `SET ${setting} = '${value}'`);
  const introduce = (client: PoolClient): void => {
    void client.query(all.join('; '));
    then(client);
  };
  for (const client of (pool as unknown as { _clients: PoolClient[] })._clients) introduce(client);
  pool.on('connect', introduce);
}

/**
 * Before each statement of a transaction but the first, and before its commit, is a step too: rows
 * are locked by reading as well.
 */
function gate(client: PoolClient): void {
  const query = client.query.bind(client) as (...args: unknown[]) => any;
  let statements = -1;
  client.query = ((...args: unknown[]) => {
    const text = typeof args[0] === 'string' ? args[0] : '';
    if (/^(START TRANSACTION|BEGIN)/.test(text)) statements = 0;
    else if (/^ROLLBACK/.test(text)) statements = -1;
    else if (text && statements >= 0 && statements++ > 0 && typeof args.at(-1) !== 'function') {
      if (text.startsWith('COMMIT')) statements = -1;
      return query(`SELECT locks.note($1)`, [`before ${text}`]).then(() => query(...args));
    } else if (text.startsWith('COMMIT')) statements = -1;
    return query(...args);
  }) as typeof client.query;
}

/**
 * The steps of some work by the transactions that it makes; those that lock nothing but what they
 * make themselves are left out.
 */
export function transactionsOf(steps: readonly Step[]): Step[][] {
  const all = [...new Set(steps.map(({ tx }) => tx))].map((tx) =>
    steps.filter((step) => step.tx === tx),
  );
  return all.filter((own) => own.some(isLocking));
}

/**
 * What it does with the rows of others, in its order: of those who do the same one stands for all.
 */
export const wayOf = (transaction: readonly Step[]): string =>
  transaction
    .filter(isLocking)
    .map(({ what }) => what)
    .join();

/**
 * Where it is worth to stop a transaction: with each new lock in its hands, and with all of them at
 * the end. What only reads locks nothing; the last row of a statement is held before the next one
 * as well; of many rows of one kind it will do to stop at the first, and at the last with all the
 * others in its hands.
 */
export function stopsOf(transaction: readonly Step[]): number[] {
  const own = transaction.filter(isLocking);
  const stops = own.filter(({ what }, i) => {
    const [last, next] = [own[i - 1]?.what, own[i + 1]?.what];
    if (what.startsWith('before')) return !(last?.startsWith('before') && isRead(last));
    if (what === last) return what !== next;
    return next?.startsWith('BEFORE');
  });
  return [...new Set([...stops.map(({ n }) => n), transaction.at(-1)!.n])];
}

const isLocking = ({ what }: Step): boolean => !what.startsWith('AFTER');

const isRead = (text: string): boolean => !/INSERT|UPDATE|DELETE|FOR (KEY )?SHARE/.test(text);
