import { Webhook } from 'standardwebhooks';
import { startTestApp, type TestApp, withClient } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { undisturbed, until } from '../support/machine-clock.js';
import { Receiver, RECEIVER_SETTINGS, type Received } from '../support/receiver.js';

export interface Hook {
  id: string;
  secret: string;
}

/** A server that may send to this machine; for each test a new person and a new receiver. */
export class WebhookBed {
  server!: TestApp;
  ann!: TestClient;
  receiver!: Receiver;

  /** Starts and stops all that with the tests of a file. */
  static use(): WebhookBed {
    const bed = new WebhookBed();
    beforeAll(async () => {
      bed.server = await startTestApp('postgres', {
        ...RECEIVER_SETTINGS,
        WEBHOOK_TIMEOUT_SECONDS: '1',
      });
    });
    afterAll(() => bed.server.close());
    beforeEach(() => bed.renew());
    afterEach(() => bed.receiver.close());
    return bed;
  }

  private async renew(): Promise<void> {
    this.ann = await TestClient.register(this.server.url);
    this.receiver = await Receiver.start();
  }

  /**
   * A test that is begun anew, with a new person, where the machine stood still: a second without
   * an answer is a failed attempt here, and five seconds later there is another one.
   */
  undisturbed<Args extends unknown[]>(work: (...args: Args) => Promise<void>) {
    return (...args: Args): Promise<void> => {
      let isFirst = true;
      return undisturbed(async () => {
        if (!isFirst) {
          this.receiver.close();
          await this.renew();
        }
        isFirst = false;
        await work(...args);
      });
    };
  }

  rows(sql: string, ...values: unknown[]): Promise<any[]> {
    return withClient(
      this.server.databaseUrl,
      async (client) => (await client.query(sql, values)).rows,
    );
  }

  async aWebhook(body: object = {}, client = this.ann): Promise<Hook> {
    const answer = await client.post('/webhooks', { url: this.receiver.url, ...body });
    if (answer.status !== 201) throw new Error(answer.text);
    return { id: answer.body.webhook_id, secret: answer.body.secret };
  }

  async deliveriesOf({ id }: Hook): Promise<any[]> {
    return (await this.ann.get(`/webhooks/${id}/deliveries`)).body.items;
  }

  /** Waits until so many deliveries stand so. */
  settled(hook: Hook, status: string, count = 1): Promise<any[]> {
    return until(async () => {
      const found = (await this.deliveriesOf(hook)).filter(
        (delivery) => delivery.status === status,
      );
      return found.length >= count && found;
    });
  }

  /** What waits stays where it is, until it is hurried: the first wait of the schedule is short. */
  hold({ id }: Hook): Promise<any[]> {
    return this.rows(
      `UPDATE webhook_deliveries SET due_at = now() + interval '1 h' WHERE webhook_id = $1 AND settled_at IS NULL`,
      id,
    );
  }

  /** The waits of the schedule are long: what waits may go now. */
  hurry({ id }: Hook): Promise<any[]> {
    return this.rows(
      `UPDATE webhook_deliveries SET due_at = now() WHERE webhook_id = $1 AND settled_at IS NULL`,
      id,
    );
  }
}

/** What was sent, if its signature is right. @throws otherwise */
export const verified = ({ secret }: Hook, { body, headers }: Received): any =>
  new Webhook(secret).verify(body, headers as Record<string, string>);
