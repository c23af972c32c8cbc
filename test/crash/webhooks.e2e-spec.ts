import { setTimeout as sleep } from 'node:timers/promises';
import { createDatabase, SETTINGS, withClient } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { Receiver, RECEIVER_SETTINGS } from '../support/receiver.js';
import { Instance } from './instance.js';
import { MAIN } from '../support/server-process.js';
import { stopwatch } from '../support/machine-clock.js';
import { freePort } from '../support/stores.mjs';

const KILLS = 4;

describe('kill -9 of instances while webhooks are sent', () => {
  it('leaves no acknowledged pair untold, and each is told under one id', async () => {
    const databaseUrl = await createDatabase();
    const env = {
      ...SETTINGS,
      ...RECEIVER_SETTINGS,
      WEBHOOK_TIMEOUT_SECONDS: '1',
      DATABASE_URL: databaseUrl,
    };
    const program = { script: MAIN, env };
    const instances = [
      new Instance(program, 'one', await freePort()),
      new Instance(program, 'two', await freePort()),
    ];
    await Promise.all(instances.map((instance) => instance.start()));
    const receiver = await Receiver.start();
    const ann = await TestClient.register(instances[0]!.url);
    expect(
      (await ann.post('/webhooks', { url: receiver.url, events: ['message.completed'] })).status,
    ).toBe(201);
    const acknowledged: string[] = [];
    let isOver = false;
    const writers = instances.flatMap(({ url }) =>
      Array.from({ length: 2 }, async () => {
        const { id } = await ann.aChat();
        for (let n = 0; !isOver; n++) {
          try {
            acknowledged.push(await ann.at(url).append(id, `q${n}`));
          } catch {
            await sleep(50);
          }
          // The receiver fails now and then, so that there is always something that waits for its
          // next attempt.
          if (n % 10 === 0) receiver.willAnswer(500);
          await sleep(20);
        }
      }),
    );

    for (let kill = 0; kill < KILLS; kill++) {
      const victim = instances[kill % 2]!;
      await sleep(700);
      await victim.kill();
      await sleep(200);
      await victim.start();
    }
    isOver = true;
    await Promise.all(writers);

    const ids = new Map<string, Set<unknown>>();
    const untold = (): string[] => {
      for (const { body, headers } of receiver.received) {
        const { response_id } = JSON.parse(body).data;
        ids.set(response_id, (ids.get(response_id) ?? new Set()).add(headers['webhook-id']));
      }
      return acknowledged.filter((one) => !ids.has(one));
    };
    // A sweep looks at an account once in a minute; this one is in a hurry.
    await withClient(databaseUrl, (client) =>
      client.query(`UPDATE webhook_accounts SET swept_at = '-infinity'`),
    );
    // What failed waits longer than a test does, and what was under way when its instance died
    // comes back with its lease, which ends in half a minute.
    const open = () =>
      withClient(databaseUrl, async (client) => {
        await client.query(
          `UPDATE webhook_deliveries SET due_at = now() WHERE settled_at IS NULL AND due_at > now()`,
        );
        return (
          await client.query(
            `SELECT status, attempts FROM webhook_deliveries WHERE status <> 'delivered'`,
          )
        ).rows;
      });
    for (
      const ran = stopwatch();
      ran() < 90_000 && ((await open()).length > 0 || untold().length > 0);
    )
      await sleep(500);
    expect(acknowledged.length).toBeGreaterThan(50);
    expect(untold()).toEqual([]);
    expect([...ids.values()].filter((one) => one.size > 1)).toEqual([]);
    expect(await open()).toEqual([]);
    for (const instance of instances) await instance.kill();
    receiver.close();
  }, 240_000);
});
