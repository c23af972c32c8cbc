import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { Pool, QueryResult, QueryResultRow } from 'pg';
import { DataSource, type EntityManager, type QueryRunner } from 'typeorm';
import { type Problem, problems } from '../common/problems.js';
import { isVictim, SQLSTATE } from '../runtime/pg-errors.js';
import { ClosesAt } from '../runtime/shutdown.module.js';

/** A statement that PostgreSQL parses once for each connection: `name` must be unique to `text`. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

const ATTEMPTS_MAX = 4;

/**
 * Does a piece of work again from its start, four times at most, when it was rolled back for the
 * sake of others: nothing of it has happened, and whoever asked has no business with it. For
 * statements that do not go through `Database`; those that do are in its care.
 */
export async function untilDone<Result>(work: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt >= ATTEMPTS_MAX || !isVictim(error)) throw error;
    }
  }
}

const AFTER_COMMIT = 'banyan:after-commit';

/**
 * Has something done when the transaction is committed; of a run that is rolled back nothing is
 * left. `task` must not throw.
 */
export function afterCommit({ queryRunner }: EntityManager, task: () => void): void {
  if (queryRunner) tasksOf(queryRunner).push(task);
}

const tasksOf = ({ data }: QueryRunner): (() => void)[] =>
  (data[AFTER_COMMIT] ??= []) as (() => void)[];

/**
 * The two ways to PostgreSQL: named prepared statements for hot paths, and transactions for the
 * rest. Both use TypeORM's one pool.
 */
@Injectable()
export class Database {
  private readonly pool: Pool;

  constructor(@InjectDataSource() private readonly dataSource: DataSource) {
    // TypeORM names no statements, so PostgreSQL would parse and plan each call; its driver's pool
    // is a plain pg.Pool.
    this.pool = (dataSource.driver as unknown as { master: Pool }).master;
  }

  /**
   * Runs one prepared statement by itself, in its own implicit transaction; answers its rows. A
   * deadlock's victim is run again.
   */
  async query<Row extends QueryResultRow>(
    { name, text }: Statement,
    values: unknown[],
  ): Promise<Row[]> {
    const result: QueryResult<Row> = await untilDone(() =>
      this.pool.query<Row>({ name, text, values }),
    );
    return result.rows;
  }

  /**
   * Runs `work` in one transaction, and again from the start when it was rolled back as a
   * deadlock's victim: so it keeps nothing but its result.
   */
  transaction<Result>(work: (tx: EntityManager) => Promise<Result>): Promise<Result> {
    return untilDone(() => this.attempt(work));
  }

  /** Last of all; waits for statements that are under way. */
  @ClosesAt('postgres')
  async close(): Promise<void> {
    if (this.dataSource.isInitialized) await this.dataSource.destroy();
  }

  private async attempt<Result>(work: (tx: EntityManager) => Promise<Result>): Promise<Result> {
    const runner = this.dataSource.createQueryRunner();
    let committing = false;
    try {
      await runner.startTransaction();
      const result = await work(runner.manager);
      committing = true;
      await runner.commitTransaction();
      for (const task of tasksOf(runner)) task();
      return result;
    } catch (error) {
      // TypeORM takes the runner away when its connection ends, and then says only that it is gone.
      if (runner.isReleased || isEnd(error)) throw connectionLost(committing, error);
      if (runner.isTransactionActive) await runner.rollbackTransaction().catch(() => undefined);
      throw error;
    } finally {
      await runner.release();
    }
  }
}

const ENDED = new Set<string>([
  SQLSTATE.adminShutdown,
  SQLSTATE.crashShutdown,
  SQLSTATE.cannotConnectNow,
  'ECONNRESET',
  'EPIPE',
]);

/**
 * The connection ended, by what PostgreSQL, the network or our own patience (`store-client.ts`)
 * says.
 */
const isEnd = (error: unknown): boolean => {
  const { code = '', message = '' } =
    (error as { driverError?: { code?: string; message?: string } }).driverError ?? {};
  return ENDED.has(code) || /^(Connection terminated|Query read timeout|Client )/.test(message);
};

/**
 * What was not committed is undone by PostgreSQL; whether a COMMIT came to its end in time is not
 * known.
 */
function connectionLost(committing: boolean, error: unknown): Problem {
  const lost = committing ? problems.outcomeUnknown : problems.storeUnavailable;
  const problem = lost({ headers: { 'retry-after': committing ? '1' : '2' } });
  problem.cause = (error as Error).message;
  return problem;
}
