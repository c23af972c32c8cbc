import { setTimeout as sleep } from 'node:timers/promises';
import { CONNECT_MS, StoreClient } from './store-client.js';

const PATIENCE_MS = 60_000;
const AGAIN_MS = 1000;
const TOLD_EVERY_MS = 5000;
/**
 * A wrong password or name, an unknown database: time mends none of them. SQLSTATE classes 28 and
 * 3D.
 */
const NEVER = /^(28|3D)/;

/**
 * Waits until PostgreSQL takes connections: at the start of a whole machine it may come later than
 * this server.
 * @param isOver whether nobody waits any more
 * @throws with the setting and the mend: at once for what waiting does not mend, else after a
 * minute
 */
export async function untilPostgresIsThere(
  url: string,
  {
    say,
    isOver,
    patienceMs = PATIENCE_MS,
  }: { say: (sentence: string) => void; isOver: () => boolean; patienceMs?: number },
): Promise<void> {
  const started = performance.now();
  for (let toldAtMs = -Infinity; !isOver(); await sleep(AGAIN_MS)) {
    const error = await refusalOf(url);
    if (!error) return;
    const reason = `PostgreSQL at ${placeOf(url)} (DATABASE_URL) cannot be used: ${error.message || error.code}`;
    if (NEVER.test(error.code ?? '')) throw new Error(`${reason}. Correct DATABASE_URL.`);
    const waitedMs = performance.now() - started;
    if (waitedMs >= patienceMs)
      throw new Error(
        `${reason}. Waited ${Math.round(waitedMs / 1000)} s. Start it, or correct DATABASE_URL.`,
      );
    if (performance.now() - toldAtMs < TOLD_EVERY_MS) continue;
    toldAtMs = performance.now();
    say(`${reason}. Waiting for it …`);
  }
}

async function refusalOf(url: string): Promise<NodeJS.ErrnoException | null> {
  const client = new StoreClient({ connectionString: url, connectionTimeoutMillis: CONNECT_MS });
  try {
    await client.connect();
    return null;
  } catch (error) {
    // Of several addresses each has its own error; any of them will do.
    return error instanceof AggregateError ? (error.errors[0] as Error) : (error as Error);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Without user and password; as the driver reads it, which knows more forms than `URL`. */
function placeOf(url: string): string {
  const { host, port, database } = new StoreClient({ connectionString: url });
  return `${host}:${port}/${database}`;
}
