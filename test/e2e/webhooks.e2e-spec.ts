import { Receiver } from '../support/receiver.js';
import { TestClient } from '../support/client.js';
import { verified, WebhookBed } from './webhook-tester.js';
import { until } from '../support/machine-clock.js';

const bed = WebhookBed.use();

describe('an event', () => {
  it(
    'of each kind is sent, signed, with ids and without words',
    bed.undisturbed(async () => {
      const hook = await bed.aWebhook();
      const chat = await bed.ann.aChat(1);
      const branch = await bed.ann.aBranch(chat.id, chat.pairs[0]!);
      await bed.ann.delete(`/chats/${chat.id}`);

      const events = (await bed.receiver.receives(3))
        .map((one) => verified(hook, one))
        .sort((a, b) => a.data.event_seq - b.data.event_seq);

      const [completed, forked, gone] = events;
      const instant = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
      expect(completed).toEqual({
        type: 'message.completed',
        timestamp: instant,
        data: {
          chat_id: chat.id,
          root_chat_id: chat.id,
          response_id: chat.pairs[0],
          seq: 1,
          event_seq: 2,
        },
      });
      expect(forked).toEqual({
        type: 'branch.created',
        timestamp: instant,
        data: {
          chat_id: branch,
          root_chat_id: chat.id,
          parent_chat_id: chat.id,
          fork_seq: 1,
          fork_response_id: chat.pairs[0],
          event_seq: 3,
        },
      });
      expect(gone).toEqual({
        type: 'chat.deleted',
        timestamp: instant,
        data: { chat_id: chat.id, root_chat_id: chat.id, event_seq: 4 },
      });
      for (const { headers, path } of bed.receiver.received) {
        expect([headers['content-type'], path]).toEqual(['application/json', '/hook']);
        expect(headers['user-agent']).toMatch(/^Banyan-Webhooks\//);
      }
      expect(
        (await bed.settled(hook, 'delivered', 3)).map(({ attempts, last_status }) => [
          attempts,
          last_status,
        ]),
      ).toEqual([
        [1, 200],
        [1, 200],
        [1, 200],
      ]);
    }),
  );

  it(
    'of an answer by the model is sent once',
    bed.undisturbed(async () => {
      const hook = await bed.aWebhook({ events: ['message.completed'] });
      const { id } = await bed.ann.aChat();
      const { body: pair } = await bed.ann.post(`/chats/${id}/messages`, { question: 'Where?' });
      expect(verified(hook, (await bed.receiver.receives(1))[0]!).data).toMatchObject({
        chat_id: id,
        response_id: pair.response_id,
      });
      await bed.ann.append(id, 'and again');
      await bed.receiver.receives(2);
      expect(bed.receiver.received).toHaveLength(2);
    }),
  );

  it(
    'is told to those alone that asked for its kind, of its account',
    bed.undisturbed(async () => {
      const bob = await TestClient.register(bed.server.url);
      const bobs = await bed.aWebhook({}, bob);
      const forks = await bed.aWebhook({ events: ['branch.created'] });
      const chat = await bed.ann.aChat(1);
      await bed.ann.aBranch(chat.id, null);
      const [only] = await bed.receiver.receives(1);
      expect(verified(forks, only!).type).toBe('branch.created');
      await bob.aChat(1);
      await bed.receiver.receives(2);
      expect(verified(bobs, bed.receiver.received[1]!).type).toBe('message.completed');
      expect(bed.receiver.received).toHaveLength(2);
    }),
  );

  it(
    'that was before the first webhook is not told; those after it are, in old chats too',
    bed.undisturbed(async () => {
      const old = await bed.ann.aChat(3);
      const hook = await bed.aWebhook();
      const later = await bed.ann.append(old.id, 'later');
      await bed.receiver.receives(1);
      await bed.rows(
        `UPDATE webhook_accounts SET swept_at = '-infinity' WHERE account_id = $1`,
        bed.ann.accountId,
      );
      await until(
        async () =>
          (
            await bed.rows(
              `SELECT FROM webhook_accounts WHERE account_id = $1 AND swept_at > '-infinity'`,
              bed.ann.accountId,
            )
          ).length,
      );
      expect((await bed.deliveriesOf(hook)).length).toBe(1);
      expect(bed.receiver.received.map((one) => verified(hook, one).data.response_id)).toEqual([
        later,
      ]);
    }),
  );

  it(
    'that no living instance knows of is found by the sweep',
    bed.undisturbed(async () => {
      const hook = await bed.aWebhook();
      const chat = await bed.ann.aChat(2);
      await bed.settled(hook, 'delivered', 2);
      // As if the instance had died between the commit and its look at the event.
      await bed.rows(`DELETE FROM webhook_deliveries WHERE account_id = $1`, bed.ann.accountId);
      await bed.rows(
        `UPDATE webhook_positions SET event_seq = 2 WHERE account_id = $1`,
        bed.ann.accountId,
      );
      await bed.rows(
        `UPDATE webhook_accounts SET swept_at = '-infinity' WHERE account_id = $1`,
        bed.ann.accountId,
      );
      expect(verified(hook, (await bed.receiver.receives(3))[2]!).data).toMatchObject({
        response_id: chat.pairs[1],
        event_seq: 3,
      });
      expect(await bed.settled(hook, 'delivered', 1)).toHaveLength(1);
    }),
  );

  it(
    'of many posts at once to many chats is sent once each',
    bed.undisturbed(async () => {
      const hook = await bed.aWebhook();
      const chats = await Promise.all(Array.from({ length: 8 }, () => bed.ann.aChat()));
      const posts = chats.flatMap(({ id }) =>
        Array.from({ length: 15 }, (_, n) => bed.ann.append(id, `q${n}`)),
      );
      const sent = await Promise.all(posts);
      const got = (await bed.receiver.receives(sent.length, 20_000)).map(
        (one) => verified(hook, one).data.response_id,
      );
      expect(got.sort()).toEqual(sent.sort());
      expect(new Set(bed.receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(
        sent.length,
      );
    }),
  );
});

describe('a failed attempt', () => {
  it.each([
    ['an answer with 500', 500 as const, { last_status: 500, last_error: null }],
    ['a redirect, which is not followed', 302 as const, { last_status: 302, last_error: null }],
    ['no answer in time', 'hang' as const, { last_status: null, last_error: 'timeout' }],
  ])(
    '(%s) is told, and comes again with the same id',
    bed.undisturbed(async (_what, answering, outcome) => {
      bed.receiver.willAnswer(
        typeof answering === 'number'
          ? (answer) => answer.writeHead(answering, { location: bed.receiver.url }).end()
          : answering,
      );
      const hook = await bed.aWebhook();
      await bed.ann.aChat(1);
      const failed = await until(async () =>
        (await bed.deliveriesOf(hook)).find(({ attempts }) => attempts === 1),
      );
      await bed.hold(hook);
      expect(failed).toMatchObject({ status: 'pending', ...outcome, settled_at: null });
      const wait = Date.parse(failed.next_attempt_at) - Date.now();
      expect(wait).toBeLessThan(6_500);
      expect((await bed.ann.get(`/webhooks/${hook.id}`)).body).toMatchObject({
        enabled: true,
        failing_since: expect.any(String),
      });
      expect(bed.receiver.received).toHaveLength(1);

      await bed.hurry(hook);

      const [first, second] = await bed.receiver.receives(2);
      expect(second!.headers['webhook-id']).toBe(first!.headers['webhook-id']);
      expect(second!.body).toBe(first!.body);
      verified(hook, second!);
      expect((await bed.settled(hook, 'delivered'))[0]).toMatchObject({
        attempts: 2,
        last_status: 200,
        last_error: null,
      });
      expect((await bed.ann.get(`/webhooks/${hook.id}`)).body.failing_since).toBeNull();
    }),
  );

  it(
    'comes again by itself after five seconds',
    bed.undisturbed(async () => {
      bed.receiver.willAnswer(503);
      await bed.aWebhook();
      await bed.ann.aChat(1);
      const [first, second] = await bed.receiver.receives(2, 20_000);
      expect(second!.at - first!.at).toBeGreaterThan(3_900);
    }),
  );

  it(
    'is the last one after ten',
    bed.undisturbed(async () => {
      const hook = await bed.aWebhook();
      bed.receiver.willAnswer(...Array.from({ length: 10 }, () => 500));
      await bed.ann.aChat(1);
      for (let attempt = 1; attempt < 10; attempt++) {
        await until(async () =>
          (await bed.deliveriesOf(hook)).some(({ attempts }) => attempts >= attempt),
        );
        await bed.hurry(hook);
      }
      expect((await bed.settled(hook, 'failed'))[0]).toMatchObject({
        attempts: 10,
        last_status: 500,
        next_attempt_at: null,
      });
      expect((await bed.ann.get(`/webhooks/${hook.id}`)).body).toMatchObject({ enabled: true });
      expect(bed.receiver.received).toHaveLength(10);
    }),
  );

  it(
    'of a webhook that has failed for five days disables it, and enabling begins anew',
    bed.undisturbed(async () => {
      const hook = await bed.aWebhook();
      bed.receiver.willAnswer(500, 500);
      const { id } = await bed.ann.aChat(1);
      await until(async () => (await bed.deliveriesOf(hook))[0]?.attempts === 1);
      await bed.rows(
        `UPDATE webhooks SET failing_since = now() - interval '121 h' WHERE webhook_id = $1`,
        hook.id,
      );
      await bed.hurry(hook);
      await bed.settled(hook, 'failed');
      expect((await bed.ann.get(`/webhooks/${hook.id}`)).body).toMatchObject({
        enabled: false,
        disabled_reason: 'failing',
      });
      await bed.ann.append(id, 'unheard');
      await until(
        async () =>
          (
            await bed.rows(
              `SELECT FROM webhook_positions WHERE root_chat_id = $1 AND event_seq = 3`,
              id,
            )
          ).length,
      );
      expect((await bed.ann.post(`/webhooks/${hook.id}/test`)).body.code).toBe('webhook_disabled');

      const { body } = await bed.ann.patch(`/webhooks/${hook.id}`, { enabled: true });

      expect(body).toMatchObject({ enabled: true, disabled_reason: null, failing_since: null });
      const heard = await bed.ann.append(id, 'heard');
      expect(verified(hook, (await bed.receiver.receives(3))[2]!).data.response_id).toBe(heard);
    }),
  );

  it(
    'with 410 disables the webhook at once',
    bed.undisturbed(async () => {
      const hook = await bed.aWebhook();
      bed.receiver.willAnswer(410);
      await bed.ann.aChat(1);
      expect((await bed.settled(hook, 'failed'))[0]).toMatchObject({
        attempts: 1,
        last_status: 410,
      });
      expect((await bed.ann.get(`/webhooks/${hook.id}`)).body).toMatchObject({
        enabled: false,
        disabled_reason: 'gone',
      });
    }),
  );

  it(
    'of one receiver makes no other one wait',
    bed.undisturbed(async () => {
      const slow = await Receiver.start(...Array.from({ length: 500 }, () => 'hang' as const));
      const stuck = await bed.aWebhook({ url: slow.url });
      const hook = await bed.aWebhook();
      const { id } = await bed.ann.aChat(20);
      await bed.settled(hook, 'delivered', 20);
      // At four a second these take longer than any machine needs for one post.
      await bed.rows(
        `INSERT INTO webhook_deliveries (account_id, webhook_id, delivery_id, type, payload, due_at, created_at)
       SELECT account_id, webhook_id, gen_random_uuid(), 'webhook.test', payload, now(), now()
       FROM webhook_deliveries, generate_series(1, 8) WHERE webhook_id = $1`,
        stuck.id,
      );
      await bed.ann.append(id, 'quick');
      await bed.receiver.receives(21);
      // What was due before it still waits for the slow one.
      const untried = await bed.rows(
        `SELECT FROM webhook_deliveries WHERE webhook_id = $1 AND attempts = 0`,
        stuck.id,
      );
      expect(untried.length).toBeGreaterThan(16);
      // Four, and those that are just being closed.
      expect(slow.openAtMost).toBeLessThan(9);
      slow.close();
    }),
  );

  it(
    'whose answer never ends is cut off',
    bed.undisturbed(async () => {
      const hook = await bed.aWebhook();
      let sent = 0;
      bed.receiver.willAnswer((answer) => {
        answer.writeHead(200);
        const pour = (): void => {
          sent += 65_536;
          answer.write(Buffer.alloc(65_536), (error) => error ?? setImmediate(pour));
        };
        pour();
      });
      await bed.ann.aChat(1);
      expect((await bed.settled(hook, 'delivered'))[0]).toMatchObject({ last_status: 200 });
      // It would go on without end; the kernel takes some ten megabytes, as it sees fit.
      expect(sent).toBeLessThan(32 * 1024 * 1024);
    }),
  );
});
