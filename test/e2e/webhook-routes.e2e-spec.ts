import { randomUUID } from 'node:crypto';
import { TestClient } from '../support/client.js';
import { type Hook, verified, WebhookBed } from './webhook-tester.js';
import { until } from '../support/machine-clock.js';

const bed = WebhookBed.use();

describe('a secret', () => {
  it('that was rotated signs beside the new one for a day', async () => {
    const old = await bed.aWebhook();
    const rotated = await bed.ann.post(`/webhooks/${old.id}/rotate-secret`);
    expect([rotated.status, rotated.body.secret]).toEqual([
      200,
      expect.stringMatching(/^whsec_[\w+/]{43}=$/),
    ]);
    const now: Hook = { id: old.id, secret: rotated.body.secret };
    expect(now.secret).not.toBe(old.secret);
    const { id } = await bed.ann.aChat(1);
    const [first] = await bed.receiver.receives(1);
    expect([verified(old, first!), verified(now, first!)]).toHaveLength(2);

    await bed.rows(`UPDATE webhooks SET old_secret_until = now() WHERE webhook_id = $1`, old.id);
    await bed.ann.append(id, 'a day later');
    const [, second] = await bed.receiver.receives(2);
    verified(now, second!);
    expect(() => verified(old, second!)).toThrow('No matching signature');
  });

  it('is shown by no answer but the one that made it', async () => {
    const { id, secret } = await bed.aWebhook();
    const answers = [
      await bed.ann.get('/webhooks'),
      await bed.ann.get(`/webhooks/${id}`),
      await bed.ann.patch(`/webhooks/${id}`, { description: 'x' }),
      await bed.ann.get(`/webhooks/${id}/deliveries`),
      await bed.ann.post(`/webhooks/${id}/test`),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 201]);
    for (const { text } of answers) expect(text).not.toContain(secret.slice(6));
  });

  it('does not verify what somebody changed', async () => {
    const hook = await bed.aWebhook();
    await bed.ann.aChat(1);
    const [one] = await bed.receiver.receives(1);
    expect(() =>
      verified(hook, { ...one!, body: one!.body.replace('"seq":1', '"seq":2') }),
    ).toThrow('No matching signature');
  });
});

describe('the routes', () => {
  it('make, list in pages, change and delete', async () => {
    const made = await bed.ann.post('/webhooks', {
      url: 'https://EXAMPLE.com/a',
      events: ['chat.deleted'],
      description: 'the archive',
    });
    const { webhook_id: id } = made.body;
    expect(made.body).toEqual({
      webhook_id: id,
      url: 'https://example.com/a',
      events: ['chat.deleted'],
      description: 'the archive',
      enabled: true,
      disabled_reason: null,
      failing_since: null,
      created_at: expect.any(String),
      updated_at: expect.any(String),
      secret: expect.stringMatching(/^whsec_/),
    });
    const { secret: _secret, ...shown } = made.body;
    expect((await bed.ann.get(`/webhooks/${id}`)).body).toEqual(shown);
    const others = [await bed.aWebhook(), await bed.aWebhook()];
    const first = await bed.ann.get('/webhooks?limit=2');
    expect(first.body.items.map(({ webhook_id }: any) => webhook_id)).toEqual([
      others[1]!.id,
      others[0]!.id,
    ]);
    expect(first.headers.get('link')).toContain('rel="next"');
    const second = await bed.ann.get(`/webhooks?limit=2&cursor=${first.body.next_cursor}`);
    expect(second.body).toEqual({ items: [shown], next_cursor: null });

    const changed = await bed.ann.patch(`/webhooks/${id}`, {
      url: bed.receiver.url,
      events: ['branch.created'],
      description: null,
      enabled: false,
    });
    expect(changed.body).toMatchObject({
      url: bed.receiver.url,
      events: ['branch.created'],
      description: null,
      enabled: false,
      disabled_reason: null,
    });
    expect((await bed.ann.patch(`/webhooks/${id}`, {})).body).toMatchObject({
      url: bed.receiver.url,
      enabled: false,
    });

    expect((await bed.ann.delete(`/webhooks/${id}`)).status).toBe(204);
    for (const answer of [
      await bed.ann.get(`/webhooks/${id}`),
      await bed.ann.delete(`/webhooks/${id}`),
    ])
      expect(answer.body.code).toBe('webhook_not_found');
  });

  it(
    'show deliveries in pages and by their status',
    bed.undisturbed(async () => {
      const hook = await bed.aWebhook();
      bed.receiver.willAnswer(500);
      await bed.ann.aChat(1);
      await until(async () => (await bed.deliveriesOf(hook))[0]?.attempts === 1);
      const { body: test } = await bed.ann.post(`/webhooks/${hook.id}/test`);
      expect(test).toMatchObject({
        type: 'webhook.test',
        status: 'pending',
        root_chat_id: null,
        event_seq: null,
      });
      await bed.settled(hook, 'delivered');
      expect(verified(hook, bed.receiver.received[1]!)).toEqual({
        type: 'webhook.test',
        timestamp: expect.any(String),
        data: { webhook_id: hook.id },
      });
      const page = await bed.ann.get(`/webhooks/${hook.id}/deliveries?limit=1`);
      expect(page.body.items).toEqual([
        expect.objectContaining({
          delivery_id: test.delivery_id,
          status: 'delivered',
          next_attempt_at: null,
        }),
      ]);
      const rest = await bed.ann.get(
        `/webhooks/${hook.id}/deliveries?limit=1&cursor=${page.body.next_cursor}`,
      );
      expect(rest.body).toMatchObject({
        items: [{ type: 'message.completed', status: 'pending' }],
        next_cursor: null,
      });
      const pending = await bed.ann.get(`/webhooks/${hook.id}/deliveries?status=pending`);
      expect(pending.body.items).toEqual(rest.body.items);
      const other = await bed.aWebhook();
      expect(
        (await bed.ann.get(`/webhooks/${other.id}/deliveries?cursor=${page.body.next_cursor}`))
          .status,
      ).toBe(422);
    }),
  );

  const BAD: [string, unknown, string][] = [
    ['no URL', {}, 'url'],
    ['a number', { url: 1 }, 'url'],
    ['no address at all', { url: 'example.com' }, 'url'],
    ['http', { url: 'http://example.com/' }, 'url'],
    ['a file', { url: 'file:///etc/passwd' }, 'url'],
    ['a user and a password', { url: 'https://ann:secret@example.com/' }, 'url'],
    ['a fragment', { url: 'https://example.com/#a' }, 'url'],
    ['a long URL', { url: `https://example.com/${'x'.repeat(2048)}` }, 'url'],
    ['a private address', { url: 'https://10.0.0.1/' }, 'url'],
    ['the metadata of a cloud', { url: 'https://169.254.169.254/latest' }, 'url'],
    ['an address in hexadecimal', { url: 'https://0xa000001/' }, 'url'],
    ['a private address of IPv6', { url: 'https://[fd00::1]/' }, 'url'],
    ['a private address mapped into IPv6', { url: 'https://[::ffff:10.0.0.1]/' }, 'url'],
    [
      'an event that does not exist',
      { url: 'https://example.com', events: ['chat.read'] },
      'events',
    ],
    ['no events', { url: 'https://example.com', events: [] }, 'events'],
    [
      'an event twice',
      { url: 'https://example.com', events: ['chat.deleted', 'chat.deleted'] },
      'events',
    ],
    ['events that are no list', { url: 'https://example.com', events: 'chat.deleted' }, 'events'],
    ['events that are null', { url: 'https://example.com', events: null }, 'events'],
    ['a blank description', { url: 'https://example.com', description: ' ' }, 'description'],
    ['an unknown field', { url: 'https://example.com', secret: 'mine' }, 'secret'],
  ];
  it.each(BAD)('refuse %s, and name the field', async (_what, body, field) => {
    const answer = await bed.ann.post('/webhooks', body);
    expect([answer.status, answer.body.errors?.map(({ path }: any) => path)]).toEqual([
      422,
      [field],
    ]);
    expect((await bed.ann.get('/webhooks')).body.items).toEqual([]);
  });

  it('refuse the same in a change, and change nothing', async () => {
    const { id } = await bed.aWebhook();
    for (const body of [
      { url: 'https://10.0.0.1/' },
      { url: null },
      { enabled: null },
      { enabled: 1 },
      { events: [] },
      { colour: 'blue' },
    ]) {
      const answer = await bed.ann.patch(`/webhooks/${id}`, body);
      expect([answer.status, answer.body.errors[0].path]).toEqual([422, Object.keys(body)[0]]);
    }
    expect((await bed.ann.get(`/webhooks/${id}`)).body).toMatchObject({
      url: bed.receiver.url,
      enabled: true,
    });
  });

  it('give a stranger the same 404 as for what does not exist', async () => {
    const { id } = await bed.aWebhook();
    const bob = await TestClient.register(bed.server.url);
    const calls = (one: string): [string, string, unknown?][] => [
      ['GET', `/webhooks/${one}`],
      ['PATCH', `/webhooks/${one}`, { enabled: false }],
      ['DELETE', `/webhooks/${one}`],
      ['POST', `/webhooks/${one}/rotate-secret`],
      ['POST', `/webhooks/${one}/test`],
      ['GET', `/webhooks/${one}/deliveries`],
    ];
    const unknown = calls(randomUUID());
    for (const [i, [method, path, body]] of calls(id).entries()) {
      const foreign = await bob.request(method, `/api/v1${path}`, { body });
      const none = await bob.request(method, `/api/v1${unknown[i]![1]}`, { body });
      expect([path, foreign.status, { ...foreign.body, request_id: '' }]).toEqual([
        path,
        404,
        { ...none.body, request_id: '' },
      ]);
    }
    expect((await bed.ann.get(`/webhooks/${id}`)).body.enabled).toBe(true);
    expect((await bob.get('/webhooks')).body.items).toEqual([]);
  });

  it('let an account have twenty, also when all are asked for at once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 25 }, () => bed.ann.post('/webhooks', { url: bed.receiver.url })),
    );
    const codes = answers.map(({ status, body }) => `${status} ${body.code ?? ''}`).sort();
    expect(codes).toEqual([...Array(20).fill('201 '), ...Array(5).fill('409 too_many_webhooks')]);
    expect((await bed.ann.get('/webhooks')).body.items).toHaveLength(20);
  });

  it('make one webhook for one Idempotency-Key, and forget its answer with it', async () => {
    const key = { 'idempotency-key': randomUUID() };
    const first = await bed.ann.post('/webhooks', { url: bed.receiver.url }, key);
    const again = await bed.ann.post('/webhooks', { url: bed.receiver.url }, key);
    expect([again.text, again.headers.get('idempotent-replayed')]).toEqual([first.text, 'true']);
    expect((await bed.ann.get('/webhooks')).body.items).toHaveLength(1);
    await bed.ann.delete(`/webhooks/${first.body.webhook_id}`);
    expect(
      await bed.rows(`SELECT FROM idempotency_keys WHERE account_id = $1`, bed.ann.accountId),
    ).toEqual([]);
  });
});

describe('deleting', () => {
  it(
    'a webhook takes along what was still to be sent; the last one leaves nothing of it',
    bed.undisturbed(async () => {
      const hook = await bed.aWebhook();
      bed.receiver.willAnswer(500, 500);
      const { id } = await bed.ann.aChat(2);
      await until(
        async () =>
          (await bed.deliveriesOf(hook)).filter(({ attempts }) => attempts === 1).length === 2,
      );
      expect((await bed.ann.delete(`/webhooks/${hook.id}`)).status).toBe(204);
      for (const table of [
        'webhooks',
        'webhook_deliveries',
        'webhook_positions',
        'webhook_accounts',
      ])
        expect([
          table,
          await bed.rows(`SELECT FROM ${table} WHERE account_id = $1`, bed.ann.accountId),
        ]).toEqual([table, []]);

      const next = await bed.aWebhook();
      const later = await bed.ann.append(id, 'later');
      expect(verified(next, (await bed.receiver.receives(3))[2]!).data.response_id).toBe(later);
    }),
  );
});
