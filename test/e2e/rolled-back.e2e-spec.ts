import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { startTestApp, type TestApp } from '../support/app.js';
import { callAs, operations } from '../support/contract.js';
import { waitingFor } from '../support/deadlocks.js';
import { aScene, GOOD } from './openapi-calls.js';
import { until } from '../support/machine-clock.js';

/**
 * PostgreSQL may roll back any transaction as a deadlock's victim. A trigger does so here, once: a
 * sequence counts on over rollbacks. Of
 * `idempotency_keys` at the commit, when all is done and the answer is made; of other tables at the
 * first row that is written.
 */
const VICTIM = `
  CREATE SEQUENCE victims;
  CREATE FUNCTION be_victim() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF nextval('victims') = 1 THEN
      PERFORM pg_advisory_xact_lock(4711);
      RAISE EXCEPTION 'a victim of the test' USING ERRCODE = '40P01';
    END IF;
    RETURN coalesce(NEW, OLD);
  END $$;
  CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON idempotency_keys DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION be_victim();`;
const AT_ANY_ROW = `
  DO $$ DECLARE t text; BEGIN
    FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT IN ('migrations', 'idempotency_keys') LOOP
      EXECUTE format('CREATE TRIGGER at_row BEFORE INSERT OR UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION be_victim()', t);
    END LOOP;
  END $$`;

/** Every id that is anywhere in the database. */
const KNOWN = `
  SELECT chat_id AS id FROM chats UNION SELECT response_id FROM messages UNION SELECT webhook_id FROM webhooks
  UNION SELECT delivery_id FROM webhook_deliveries UNION SELECT account_id FROM accounts UNION SELECT share_id FROM shares
  UNION SELECT import_id FROM imports UNION SELECT file_id FROM files`;
const UUIDS = /[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g;

let server: TestApp;
let sql: Client;
beforeAll(async () => {
  server = await startTestApp();
  sql = new Client({ connectionString: server.databaseUrl });
  await sql.connect();
  await sql.query(VICTIM);
  await quiet();
});
afterAll(async () => {
  await sql.end();
  await server.close();
});
afterEach(() => quiet());

/** The next one is a victim; false until somebody was. */
const armed = () => sql.query(`SELECT setval('victims', 1, false)`);
const quiet = () => sql.query(`SELECT setval('victims', 2)`);
const wasVictim = async () =>
  (await sql.query('SELECT last_value > 1 OR is_called AS was FROM victims')).rows[0]
    .was as boolean;

async function unknownIn(text: string): Promise<string[]> {
  const known = new Set((await sql.query<{ id: string }>(KNOWN)).rows.map(({ id }) => id));
  return (text.match(UUIDS) ?? []).filter((id) => !known.has(id));
}

describe('a transaction that PostgreSQL rolled back at its commit (R3)', () => {
  /** Sessions are not in PostgreSQL, and neither are the keys of what is said there. */
  const ELSEWHERE = ['startSession', 'postSessionMessage', 'postChatSessionMessage'];
  const keyed = operations.filter(({ parameters }) =>
    parameters.some(({ name }) => name === 'Idempotency-Key'),
  );

  it.each(keyed.map((operation) => [operation.operationId, operation] as const))(
    'is run again by %s: what is answered exists, and is answered again to the key',
    async (id, operation) => {
      const scene = await aScene(server);
      const good = await GOOD[id]!(scene);
      const call = { ...good, headers: { ...good.headers, 'idempotency-key': randomUUID() } };
      await armed();
      const first = await callAs(scene.ann, operation, call);
      expect(await wasVictim()).toBe(!ELSEWHERE.includes(id));
      expect([first.status < 300, first.text]).toEqual([true, first.text]);
      expect(await unknownIn(first.text)).toEqual([]);
      const again = await callAs(scene.ann, operation, call);
      expect([again.status, again.text, again.headers.get('idempotent-replayed')]).toEqual([
        first.status,
        first.text,
        'true',
      ]);
    },
  );

  it('while another request with its key waits: both are answered what that one made', async () => {
    const { ann } = await aScene(server);
    const post = () =>
      ann.request('POST', '/v1/conversations', {
        body: { items: [{ role: 'user', content: 'Where?' }] },
        headers: { 'idempotency-key': 'shared' },
      });
    await sql.query('SELECT pg_advisory_lock(4711)');
    await armed();
    const first = post();
    await until(async () => (await waitingFor(sql, 'advisory')) === 1);
    const second = post();
    // Its key is locked by the first, whose end it waits for.
    await until(async () => (await waitingFor(sql, 'advisory')) === 2);
    await sql.query('SELECT pg_advisory_unlock(4711)');
    const answers = await Promise.all([first, second]);
    expect(answers.map(({ status, text }) => [status, text])).toEqual(
      Array(2).fill([200, answers[0].text]),
    );
    expect(await unknownIn(answers[0].text)).toEqual([]);
    expect((await ann.request('GET', `/v1/conversations/${answers[0].body.id}`)).status).toBe(200);
    expect((await ann.get('/chats')).body.items).toHaveLength(2);
  });
});

describe('whatever was rolled back at the first row that it wrote', () => {
  beforeAll(() => sql.query(AT_ANY_ROW));
  const writing = operations.filter(({ method }) => method !== 'GET');

  it.each(writing.map((operation) => [operation.operationId, operation] as const))(
    'is done all the same by %s',
    async (id, operation) => {
      const scene = await aScene(server);
      const call = await GOOD[id]!(scene);
      await armed();
      const { status, text } = await callAs(scene.ann, operation, call);
      // The one operation whose good request is refused.
      expect([text, status < 300 || id === 'deleteResponse']).toEqual([text, true]);
    },
  );
});
