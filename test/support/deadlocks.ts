import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from 'pg';
import { withClient } from './app.js';

/**
 * Deadlocks of a database until now. Its connections tell of them at most a second late, and only
 * when they have something to do.
 */
export async function deadlocksIn(databaseUrl: string): Promise<number> {
  await sleep(1100);
  return withClient(databaseUrl, deadlocksSoFar);
}

/** The same for databases whose connections tell at once: `pg_stat_force_next_flush()`. */
export async function deadlocksSoFar(client: Client): Promise<number> {
  const { rows } = await client.query(
    'SELECT deadlocks::int FROM pg_stat_database WHERE datname = current_database()',
  );
  return rows[0].deadlocks;
}

/** How many connections wait for a lock of this kind (`pg_locks.locktype`). */
export async function waitingFor(client: Client, kind: string): Promise<number> {
  const { rows } = await client.query(
    `SELECT count(*)::int AS n FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE NOT granted AND locktype = $1 AND a.datname = current_database()`,
    [kind],
  );
  return rows[0].n;
}
