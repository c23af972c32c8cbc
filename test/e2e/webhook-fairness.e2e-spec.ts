import { CLAIM } from '../../src/modules/webhook/delivery.sql.js';
import { withClient } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { Receiver } from '../support/receiver.js';
import { type Hook, WebhookBed } from './webhook-tester.js';

const bed = WebhookBed.use();

/** So many deliveries that are due now. */
const due = (hooks: readonly Hook[], count: number): Promise<any[]> =>
  bed.rows(
    `INSERT INTO webhook_deliveries (account_id, webhook_id, delivery_id, type, payload, due_at, created_at)
     SELECT account_id, webhook_id, gen_random_uuid(), 'webhook.test', '{}', now(), now()
     FROM webhooks, generate_series(1, $2) WHERE webhook_id = ANY ($1)`,
    hooks.map(({ id }) => id),
    count,
  );

describe('receivers that never answer', () => {
  let silent: Receiver;
  // Also where a test fails: what it has left would take the places of the next one's.
  afterEach(async () => {
    await bed.rows(`DELETE FROM webhook_accounts WHERE account_id <> $1`, bed.ann.accountId);
    silent.close();
  });

  it.each([
    ['three of one account', 1],
    ['three of each of six accounts', 6],
  ])('(%s) keep nothing from another account', async (_who, accounts) => {
    silent = await Receiver.start(...Array.from({ length: 10_000 }, () => 'hang' as const));
    const hooks: Hook[] = [];
    for (let n = 0; n < accounts; n++) {
      const owner = await TestClient.register(bed.server.url);
      for (let hook = 0; hook < 3; hook++)
        hooks.push(await bed.aWebhook({ url: silent.url }, owner));
    }
    await due(hooks, 200);
    await silent.receives(8);
    await bed.aWebhook();

    await bed.ann.aChat(1);

    await bed.receiver.receives(1);
    const untried = await bed.rows(
      `SELECT FROM webhook_deliveries WHERE webhook_id = $1 AND attempts = 0`,
      hooks[0]!.id,
    );
    expect(untried.length).toBeGreaterThan(100);
  });
});

describe('what waits for its time', () => {
  it('costs nothing while others are looked for', async () => {
    await bed.aWebhook();
    await bed.rows(
      `WITH made AS (
         INSERT INTO webhooks (account_id, webhook_id, url, events, secret, created_at, updated_at)
         SELECT $1, gen_random_uuid(), 'https://example.com/', '{}', '', now(), now() FROM generate_series(1, 2000) RETURNING webhook_id
       )
       INSERT INTO webhook_deliveries (account_id, webhook_id, delivery_id, type, payload, due_at, created_at)
       SELECT $1, webhook_id, gen_random_uuid(), 'webhook.test', '{}', now() + interval '1 h', now() FROM made`,
      bed.ann.accountId,
    );
    const plan = await withClient(bed.server.databaseUrl, async (client) => {
      await client.query('VACUUM ANALYZE webhook_deliveries, webhooks');
      await client.query('BEGIN');
      const { rows } = await client.query(`EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${CLAIM.text}`, [
        16,
        [],
        [],
        [],
        30,
      ]);
      await client.query('ROLLBACK');
      return rows[0]['QUERY PLAN'][0].Plan;
    });
    expect(plan['Shared Hit Blocks'] + plan['Shared Read Blocks']).toBeLessThan(100);
  });
});
