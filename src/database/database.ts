import type { Socket } from 'node:net';
import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { Pool, QueryResult, QueryResultRow } from 'pg';
import { DataSource, type EntityManager } from 'typeorm';

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
    try {
      await runner.startTransaction();
      const result = await work(runner.manager);
      await runner.commitTransaction();
      return result;
    } catch (error) {
      // A server that fell silent leaves its connection waiting for ever: it must not go back into the pool.
      if (isSilence(error)) destroy(await runner.connect());
      else if (runner.isTransactionActive) await runner.rollbackTransaction().catch(() => undefined);
      throw error;
    } finally {
      await runner.release();
    }
  }
}

const isSilence = (error: unknown): boolean => (error as Error).message === 'Query read timeout';

const destroy = (client: { connection: { stream: Socket } }): void => void client.connection.stream.destroy();
