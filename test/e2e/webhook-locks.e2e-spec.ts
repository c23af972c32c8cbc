import { Client } from 'pg';
import { newId } from '../../src/common/ids.js';
import { Database } from '../../src/database/database.js';
import { SETTLE_DELIVERED, SETTLE_FAILED } from '../../src/modules/webhook/delivery.sql.js';
import { deadlocksSoFar, waitingFor } from '../support/deadlocks.js';
import { WebhookBed } from './webhook-tester.js';
import { until } from '../support/machine-clock.js';

/**
 * Whoever changes a delivery stops with its row in his hand, as long as the test holds the advisory
 * lock; and tells of deadlocks at once.
 */
const STOP = `
  CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    PERFORM pg_stat_force_next_flush(), pg_advisory_xact_lock_shared(7);
    RETURN coalesce(NEW, OLD);
  END $$;
  CREATE TRIGGER stop BEFORE UPDATE OR DELETE ON webhook_deliveries FOR EACH ROW EXECUTE FUNCTION stop()`;

const bed = WebhookBed.use();
let sql: Client;
beforeAll(async () => {
  sql = new Client({ connectionString: bed.server.databaseUrl });
  await sql.connect();
  await sql.query(STOP);
});
afterAll(() => sql.end());

/** A delivery that is under way until the year 2099. */
async function aDelivery({ id }: { id: string }): Promise<string> {
  const delivery = newId();
  await sql.query(
    `INSERT INTO webhook_deliveries (account_id, webhook_id, delivery_id, type, payload, due_at, created_at)
     VALUES ($1, $2, $3, 'webhook.test', '{}', '2099-01-01', now())`,
    [bed.ann.accountId, id, delivery],
  );
  return delivery;
}

/** Does the first work and, when that stops, the second; lets both go when the second waits too. */
async function oneBehindTheOther<First, Second>(
  first: () => Promise<First>,
  second: () => Promise<Second>,
): Promise<[First, Second]> {
  await sql.query('SELECT pg_advisory_lock(7)');
  const begun = first();
  await until(async () => (await waitingFor(sql, 'advisory')) === 1);
  const next = second();
  await until(
    async () => (await waitingFor(sql, 'advisory')) + (await waitingFor(sql, 'transactionid')) > 1,
  );
  await sql.query('SELECT pg_advisory_unlock(7)');
  return Promise.all([begun, next]);
}

describe('DELETE /webhooks/{id} meets nobody who holds what it waits for (S6)', () => {
  it.each([
    ['delivered', SETTLE_DELIVERED, [200]],
    ['failed', SETTLE_FAILED, [500, null, 60, false, 5]],
  ])(
    'while a delivery that came at the last moment settles as %s',
    async (_how, statement, values) => {
      const hook = await bed.aWebhook();
      await sql.query(`UPDATE webhooks SET failing_since = now() WHERE webhook_id = $1`, [hook.id]);
      const holder = new Client({ connectionString: bed.server.databaseUrl });
      await holder.connect();
      await holder.query('BEGIN');
      await holder.query('SELECT FROM webhook_accounts WHERE account_id = $1 FOR UPDATE', [
        bed.ann.accountId,
      ]);
      const deletion = bed.ann.delete(`/webhooks/${hook.id}`);
      await until(async () => (await waitingFor(sql, 'transactionid')) > 0);
      const held = [bed.ann.accountId, hook.id, await aDelivery(hook), '2099-01-01'];
      await oneBehindTheOther(
        () => bed.server.app.get(Database).query(statement, [...held, ...values]),
        () => holder.query('COMMIT').then(() => holder.end()),
      );
      expect([(await deletion).status, await deadlocksSoFar(sql)]).toEqual([204, 0]);
      expect((await bed.ann.get(`/webhooks/${hook.id}`)).status).toBe(404);
    },
  );
});
