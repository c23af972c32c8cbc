import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadConfig } from '../../src/config/config.js';
import { askDns, ReceiverClient } from '../../src/modules/webhook/receiver-client.js';
import { SETTINGS, startTestApp, withClient } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { CERTIFICATE_FILE, Receiver, RECEIVER_SETTINGS } from '../support/receiver.js';
import { until } from '../support/machine-clock.js';

const TYPE_A = 1;

/**
 * A name server for all names: answers questions for A records with the next of `answers` (the last
 * one again and again), others with nothing. Without `answers` there are no names.
 */
class NameServer {
  questions = 0;

  private constructor(
    private readonly socket: Socket,
    private readonly answers: string[],
  ) {
    socket.on('message', (question, { port, address }) =>
      socket.send(this.answer(question), port, address),
    );
  }

  static async start(...answers: string[]): Promise<NameServer> {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new NameServer(socket, answers);
  }

  get address(): string {
    return `127.0.0.1:${this.socket.address().port}`;
  }

  close(): void {
    this.socket.close();
  }

  /**
   * RFC 1035, 4.1: the header and the question as they came, with one record of 4 bytes behind them
   * if it is asked for.
   */
  private answer(question: Buffer): Buffer {
    let end = 12;
    while (question[end] !== 0) end += question[end]! + 1;
    const hasAnswer = question.readUInt16BE(end + 1) === TYPE_A && this.answers.length > 0;
    const head = Buffer.from(question.subarray(0, end + 5));
    head.writeUInt16BE(this.answers.length > 0 ? 0x8180 : 0x8183, 2);
    head.writeUInt16BE(hasAnswer ? 1 : 0, 6);
    head.writeUInt32BE(0, 8);
    if (!hasAnswer) return head;
    this.questions++;
    const address = this.answers.length > 1 ? this.answers.shift()! : this.answers[0]!;
    const record = Buffer.from([
      0xc0,
      12,
      0,
      TYPE_A,
      0,
      1,
      0,
      0,
      0,
      0,
      0,
      4,
      ...address.split('.').map(Number),
    ]);
    return Buffer.concat([head, record]);
  }
}

/** The newest delivery, when it was tried. */
const attemptOf = (ann: TestClient, webhookId: string): Promise<any> =>
  until(async () => {
    const [delivery] = (await ann.get(`/webhooks/${webhookId}/deliveries`)).body.items;
    return delivery?.attempts > 0 && delivery;
  });

const rowsOf = (databaseUrl: string): Promise<unknown[]> =>
  withClient(
    databaseUrl,
    async (client) => (await client.query(`SELECT FROM webhook_deliveries`)).rows,
  );

class AskingClient extends ReceiverClient {
  constructor(
    settings: Record<string, string>,
    private readonly names: NameServer,
  ) {
    super(
      loadConfig({
        ...SETTINGS,
        WEBHOOK_CA_FILE: CERTIFICATE_FILE,
        WEBHOOK_TIMEOUT_SECONDS: '1',
        ...settings,
      }),
    );
  }

  protected override resolve(host: string): Promise<string[]> {
    return askDns(host, [this.names.address]);
  }
}

describe('a name', () => {
  let receiver: Receiver;
  let names: NameServer;
  beforeEach(async () => {
    receiver = await Receiver.start();
  });
  afterEach(() => {
    receiver.close();
    names.close();
  });
  const post = (client: ReceiverClient) =>
    client.post(`https://receiver.test:${receiver.port}/`, {}, '{}');

  it('that leads to a private address is refused before anything connects', async () => {
    names = await NameServer.start('127.0.0.1');
    expect(await post(new AskingClient({}, names))).toEqual({
      status: null,
      error: 'address_refused',
    });
    expect([receiver.connections, names.questions]).toEqual([0, 1]);
  });

  it('that leads outside at first and inwards a moment later gets nobody in', async () => {
    names = await NameServer.start('192.0.2.1', '198.51.100.1', '127.0.0.1');
    const client = new AskingClient(
      { WEBHOOK_ALLOWED_PRIVATE_NETWORKS: '192.0.2.0/24,198.51.100.0/24' },
      names,
    );
    const outcomes = [
      await post(client),
      await post(client),
      await post(client),
      await post(client),
    ];
    // Two addresses that nobody answers at stand for the world outside; then the name leads
    // inwards.
    for (const outcome of outcomes.slice(0, 2))
      expect(['timeout', 'connection_failed']).toContain(outcome.error);
    expect(outcomes.slice(2).map(({ error }) => error)).toEqual([
      'address_refused',
      'address_refused',
    ]);
    expect(receiver.connections).toBe(0);
    // One question for each connection: there is no second look-up that could say something else.
    expect(names.questions).toBe(4);
  });

  it('that leads to a network that is allowed is connected to, and its certificate must have the name', async () => {
    names = await NameServer.start('127.0.0.1');
    const client = new AskingClient({ WEBHOOK_ALLOWED_PRIVATE_NETWORKS: '127.0.0.1' }, names);
    expect(await post(client)).toEqual({ status: 200, error: null });
    const other = await client.post(`https://other.test:${receiver.port}/`, {}, '{}');
    expect(other).toEqual({ status: null, error: 'certificate_refused' });
    expect(receiver.received).toHaveLength(1);
  });

  it('that is nobody’s is told', async () => {
    names = await NameServer.start();
    expect(await post(new AskingClient({}, names))).toEqual({
      status: null,
      error: 'name_not_found',
    });
  });
});

describe('a server with a list of hosts', () => {
  const settings = { ...RECEIVER_SETTINGS, WEBHOOK_HOSTS: '127.0.0.1, *.Example.com,example.org' };

  it('takes webhooks to these alone, and sends to no other that it was given before', async () => {
    const server = await startTestApp('postgres', settings);
    const receiver = await Receiver.start();
    try {
      const ann = await TestClient.register(server.url);
      const statusOf = async (url: string) => (await ann.post('/webhooks', { url })).status;
      for (const host of ['hooks.example.com', 'a.b.EXAMPLE.com', 'example.org:8443'])
        expect([host, await statusOf(`https://${host}/`)]).toEqual([host, 201]);
      for (const host of [
        'example.com',
        'badexample.com',
        'www.example.org',
        '127.0.0.2',
        '1.1.1.1',
        '[2606:4700::1111]',
      ])
        expect([host, await statusOf(`https://${host}/`)]).toEqual([host, 422]);
      await withClient(server.databaseUrl, (client) =>
        client.query(
          `DELETE FROM webhooks WHERE url NOT LIKE '%hooks%'; UPDATE webhooks SET url = $$https://localhost:${receiver.port}/$$`,
        ),
      );
      const { body } = await ann.get('/webhooks');
      await ann.aChat(1);
      const attempt = await attemptOf(ann, body.items[0].webhook_id);
      expect(attempt).toMatchObject({ last_status: null, last_error: 'address_refused' });
      expect((await ann.post('/webhooks', { url: receiver.url })).status).toBe(201);
      await ann.aChat(1);
      await receiver.receives(1);
    } finally {
      receiver.close();
      await server.close();
    }
  });
});

describe('a server that sends no webhooks', () => {
  it('makes none and calls nobody, and tells when it is switched on what happened meanwhile', async () => {
    const on = await startTestApp('postgres', RECEIVER_SETTINGS);
    const receiver = await Receiver.start();
    const ann = await TestClient.register(on.url);
    const { body: hook } = await ann.post('/webhooks', { url: receiver.url });
    await on.close();
    const off = await startTestApp(
      'postgres',
      { ...RECEIVER_SETTINGS, WEBHOOKS: 'off' },
      on.databaseUrl,
    );
    const there = ann.at(off.url);
    for (const refused of [
      await there.post('/webhooks', { url: receiver.url }),
      await there.post(`/webhooks/${hook.webhook_id}/test`),
    ])
      expect([refused.status, refused.body.code]).toEqual([403, 'webhooks_off']);
    const chat = await there.aChat(1);
    await withClient(off.databaseUrl, (client) =>
      client.query(`UPDATE webhook_accounts SET swept_at = '-infinity'`),
    );
    await sleep(1500); // for what should not come
    await off.close();
    expect([receiver.connections, (await rowsOf(off.databaseUrl)).length]).toEqual([0, 0]);

    const again = await startTestApp('postgres', RECEIVER_SETTINGS, on.databaseUrl);

    const [told] = await receiver.receives(1, 20_000);
    expect(JSON.parse(told!.body).data.response_id).toBe(chat.pairs[0]);
    receiver.close();
    await again.close();
  });
});

describe('a server that allows no private network', () => {
  it('does not connect to one, whatever the database says, and does not trust everybody’s certificate', async () => {
    const server = await startTestApp();
    const receiver = await Receiver.start();
    try {
      const ann = await TestClient.register(server.url);
      expect((await ann.post('/webhooks', { url: receiver.url })).status).toBe(422);
      const { body: hook } = await ann.post('/webhooks', { url: 'https://example.com/' });
      await withClient(server.databaseUrl, (client) =>
        client.query(`UPDATE webhooks SET url = $1`, [receiver.url]),
      );
      await ann.aChat(1);
      const attempt = await attemptOf(ann, hook.webhook_id);
      expect(attempt).toMatchObject({
        attempts: 1,
        last_status: null,
        last_error: 'address_refused',
      });
      expect(receiver.connections).toBe(0);
    } finally {
      receiver.close();
      await server.close();
    }
  });
});
