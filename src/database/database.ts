import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { Pool, QueryResult, QueryResultRow } from 'pg';
import { DataSource, type EntityManager } from 'typeorm';
import { type Problem, problems } from '../common/problems.js';

/** A statement that PostgreSQL parses once for each connection: `name` must be unique to `text`. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

const DEADLOCK_DETECTED = '40P01';
const ATTEMPTS_MAX = 3;

/** The two ways to PostgreSQL: named prepared statements for hot paths, and transactions for the rest. Both use TypeORM's one pool. */
@Injectable()
export class Database {
  private readonly pool: Pool;

  constructor(@InjectDataSource() private readonly dataSource: DataSource) {
    // TypeORM names no statements, so PostgreSQL would parse and plan each call; its driver's pool is a plain pg.Pool.
    this.pool = (dataSource.driver as unknown as { master: Pool }).master;
  }

  /** Runs one prepared statement by itself, in its own implicit transaction; answers its rows. */
  async query<Row extends QueryResultRow>({ name, text }: Statement, values: unknown[]): Promise<Row[]> {
    const result: QueryResult<Row> = await this.pool.query<Row>({ name, text, values });
    return result.rows;
  }

  /** Runs `work` in one transaction, and again from the start (three times at most) when PostgreSQL chose it as a deadlock's victim. */
  async transaction<Result>(work: (tx: EntityManager) => Promise<Result>): Promise<Result> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.attempt(work);
      } catch (error) {
        if (attempt >= ATTEMPTS_MAX || (error as { code?: string }).code !== DEADLOCK_DETECTED) throw error;
      }
    }
  }

  private async attempt<Result>(work: (tx: EntityManager) => Promise<Result>): Promise<Result> {
    const runner = this.dataSource.createQueryRunner();
    let committing = false;
    try {
      await runner.startTransaction();
      const result = await work(runner.manager);
      committing = true;
      await runner.commitTransaction();
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

/** The connection ended, by what PostgreSQL, the network or our own patience (`store-client.ts`) says. */
const isEnd = (error: unknown): boolean => {
  const { code = '', message = '' } = (error as { driverError?: { code?: string; message?: string } }).driverError ?? {};
  return /^(57P0[123]|ECONNRESET|EPIPE)$/.test(code) || /^(Connection terminated|Query read timeout|Client )/.test(message);
};

/** What was not committed is undone by PostgreSQL; whether a COMMIT came to its end in time is not known. */
function connectionLost(committing: boolean, error: unknown): Problem {
  const lost = committing ? problems.outcomeUnknown : problems.storeUnavailable;
  const problem = lost({ headers: { 'retry-after': committing ? '1' : '2' } });
  problem.cause = (error as Error).message;
  return problem;
}
