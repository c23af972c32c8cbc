import { setTimeout as sleep } from 'node:timers/promises';
import { DeliveriesJob } from '../../src/modules/maintenance/expiry.jobs.js';
import { MaintenanceModule } from '../../src/modules/maintenance/maintenance.module.js';
import { PurgeJob } from '../../src/modules/maintenance/purge.job.js';
import { TemporaryChatsJob } from '../../src/modules/maintenance/temporary-chats.job.js';
import { type Mode, MODES, startTestApp, type TestApp, withClient } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { Receiver, RECEIVER_SETTINGS } from '../support/receiver.js';
import { until } from '../support/machine-clock.js';
import { purgeWithoutWait } from '../support/purge.js';

const GO_ON = new AbortController().signal;
const SETTING = {
  ...RECEIVER_SETTINGS,
  DELETED_RETENTION_DAYS: '0',
  TEMPORARY_CHAT_TTL_SECONDS: '1',
};
const bodyOf = (text: string) =>
  JSON.parse(text) as { type: string; data: Record<string, unknown> };

describe('two instances on one database', () => {
  it('send each event once, whoever took it', async () => {
    const one = await startTestApp('postgres', SETTING);
    const other = await startTestApp('postgres', SETTING, one.databaseUrl);
    const receiver = await Receiver.start();
    const ann = await TestClient.register(one.url);
    await ann.post('/webhooks', { url: receiver.url });
    const chats = await Promise.all(Array.from({ length: 6 }, () => ann.aChat()));
    const posts = chats.flatMap(({ id }, c) =>
      Array.from({ length: 20 }, (_, n) =>
        ann.at((c + n) % 2 === 0 ? one.url : other.url).append(id, `q${n}`),
      ),
    );
    const sent = await Promise.all(posts);
    await receiver.receives(sent.length, 20_000);
    await sleep(1500); // for what should not come
    expect(receiver.bodies().map((body) => bodyOf(body).data.response_id)).toHaveLength(
      sent.length,
    );
    expect(new Set(receiver.bodies().map((body) => bodyOf(body).data.response_id))).toEqual(
      new Set(sent),
    );
    receiver.close();
    await Promise.all([one.close(), other.close()]);
  });

  it('that stop in the middle leave the rest to the others', async () => {
    const one = await startTestApp('postgres', SETTING);
    const other = await startTestApp('postgres', SETTING, one.databaseUrl);
    const receiver = await Receiver.start();
    const ann = await TestClient.register(one.url);
    await ann.post('/webhooks', { url: receiver.url });
    const { id } = await ann.aChat();
    const sent = [];
    for (let n = 0; n < 30; n++) sent.push(await ann.append(id, `q${n}`));
    await one.close();
    await withClient(other.databaseUrl, (client) =>
      client.query(`UPDATE webhook_accounts SET swept_at = '-infinity'`),
    );
    await receiver.receives(sent.length, 30_000);
    expect(new Set(receiver.bodies().map((body) => bodyOf(body).data.response_id))).toEqual(
      new Set(sent),
    );
    receiver.close();
    await other.close();
  });
});

interface Household {
  server: TestApp;
  ann: TestClient;
  receiver: Receiver;
  webhookId: string;
  /** A temporary chat whose time was over, and how many go with it when all has been told. */
  temporary: { id: string; removed: Promise<number> };
}

const jobOf = <Type>({ app }: TestApp, type: new (...args: never[]) => Type): Type =>
  app.select(MaintenanceModule).get(type);
const rowsIn = ({ databaseUrl }: TestApp, sql: string, ...values: unknown[]): Promise<any[]> =>
  withClient(databaseUrl, async (client) => (await client.query(sql, values)).rows);

async function aHousehold(mode: Mode): Promise<Household> {
  const server = await startTestApp(mode, SETTING);
  const ann = await TestClient.register(server.url);
  const receiver = await Receiver.start();
  const events = ['chat.deleted', 'message.completed'];
  const { body } = await ann.post('/webhooks', { url: receiver.url, events });
  const { id } = await ann.aChat(1, { chat_type: 'temporary' });
  await receiver.receives(1);
  const used = `UPDATE chats SET updated_at = now() - interval '1 hour' WHERE chat_id = $1`;
  await rowsIn(server, used, id);
  const removed = jobOf(server, TemporaryChatsJob).run(GO_ON);
  removed.catch(() => undefined); // told to who awaits it
  return { server, ann, receiver, webhookId: body.webhook_id, temporary: { id, removed } };
}

/** A purge waits for ten seconds until all was told: in both modes at once, beside other tests. */
const households = new Map<Mode, Promise<Household>>();
beforeAll(() => {
  for (const mode of MODES) {
    const household = aHousehold(mode);
    household.catch(() => undefined);
    households.set(mode, household);
  }
});

describe.each(MODES)('housekeeping, words in %s', (mode: Mode) => {
  let { server, ann, receiver, webhookId, temporary } = {} as Household;
  beforeAll(async () => {
    ({ server, ann, receiver, webhookId, temporary } = await households.get(mode)!);
  });
  afterAll(async () => {
    receiver.close();
    await server.close();
  });
  const job = <Type>(type: new (...args: never[]) => Type): Type => jobOf(server, type);
  const rows = (sql: string, ...values: unknown[]): Promise<any[]> =>
    rowsIn(server, sql, ...values);

  it('tells of a temporary chat that goes by itself, although its events go at once', async () => {
    const { id, removed } = temporary;
    expect(await removed).toBe(1);
    expect(await rows(`SELECT FROM events WHERE root_chat_id = $1`, id)).toEqual([]);
    expect(bodyOf((await receiver.receives(2))[1]!.body)).toMatchObject({
      type: 'chat.deleted',
      data: { chat_id: id },
    });
  });

  it('keeps nothing of a conversation that is purged', async () => {
    const { id } = await ann.aChat(2);
    await ann.delete(`/chats/${id}`);
    const settled = () =>
      rows(`SELECT FROM webhook_deliveries WHERE root_chat_id = $1 AND settled_at IS NOT NULL`, id);
    await until(async () => (await settled()).length >= 3);
    // All was told of it, for which a purge would wait, as it does above.
    await rows(
      `UPDATE chats SET deleted_at = deleted_at - interval '1 minute' WHERE root_chat_id = $1`,
      id,
    );
    purgeWithoutWait(job(PurgeJob));
    await job(PurgeJob).run(GO_ON);
    expect(await rows(`SELECT FROM webhook_deliveries WHERE root_chat_id = $1`, id)).toEqual([]);
    expect(await rows(`SELECT FROM webhook_positions WHERE root_chat_id = $1`, id)).toEqual([]);
  });

  it('forgets deliveries a week after they were made', async () => {
    await ann.post(`/webhooks/${webhookId}/test`);
    await ann.post(`/webhooks/${webhookId}/test`);
    const tests = () =>
      rows(`SELECT status, delivery_id FROM webhook_deliveries WHERE type = 'webhook.test'`);
    await until(async () => (await tests()).every(({ status }) => status !== 'pending'));
    const [old] = await tests();
    await rows(
      `UPDATE webhook_deliveries SET settled_at = now() - interval '8 days' WHERE delivery_id = $1`,
      old.delivery_id,
    );
    expect(await job(DeliveriesJob).run(GO_ON)).toBe(1);
    expect(await tests()).toHaveLength(1);
  });
});
