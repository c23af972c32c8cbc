import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { buildInfo } from '../../config/build-info.js';
import { Config } from '../../config/config.js';
import { Database } from '../../database/database.js';
import { Loop } from '../../runtime/loop.js';
import { Outage } from '../../runtime/outage.js';
import { ClosesAt } from '../../runtime/shutdown.module.js';
import {
  AT_ONCE,
  CLAIM,
  type ClaimedDelivery,
  GIVE_BACK,
  GIVE_UP,
  MAKE_READY,
  SETTLE_DELIVERED,
  SETTLE_FAILED,
} from './delivery.sql.js';
import { type SendOutcome, ReceiverClient } from './receiver-client.js';
import { waitAfter } from './retry-schedule.js';
import { signedHeaders } from './signature.js';

/**
 * After its time limit a request may need a moment to be settled; then another instance may take
 * the delivery.
 */
const LEASE_MORE_SECONDS = 20;
const LOOK_MS = 1000;
const FAILING_DAYS = 5;
/** 410: the receiver asks never to be called again (Standard Webhooks). */
const GONE = 410;
const GIVE_UP_ROWS = 1000;
const READY_ROWS = 1000;
/** What is under way at a stop may end by itself for so long. */
const STOP_MS = 3000;

/**
 * Sends what is due, at least once: a delivery is held by a lease while it is on its way, so it
 * goes to one instance at a time, and comes back when that one dies. Order is not promised.
 */
@Injectable()
export class WebhookDeliverer implements OnApplicationBootstrap {
  private readonly logger = new Logger('Webhooks');
  /** What is under way. */
  private readonly running = new Map<Promise<void>, ClaimedDelivery>();
  private readonly userAgent = `Banyan-Webhooks/${buildInfo().version}`;
  private readonly loop = new Loop(
    (isTime) => this.look(isTime),
    new Outage((cause) =>
      this.logger.warn({
        message: 'deliveries could not be claimed and are looked for again',
        cause,
      }),
    ),
    { everyMs: LOOK_MS },
  );
  private isCutOff = false;

  constructor(
    private readonly database: Database,
    private readonly client: ReceiverClient,
    private readonly config: Config,
  ) {}

  onApplicationBootstrap(): void {
    if (this.config.WEBHOOKS) this.loop.start();
  }

  @ClosesAt('loops')
  async stop(): Promise<void> {
    await this.loop.stop();
    await Promise.race([
      Promise.all(this.running.keys()),
      sleep(STOP_MS, undefined, { ref: false }),
    ]);
    this.isCutOff = true;
    this.client.cutOff();
    await Promise.all(this.running.keys());
  }

  /** Looks for what is ready now. Returns at once and never throws. */
  wake(): void {
    this.loop.wake();
  }

  /** Gives up what is still to be sent to a webhook that is disabled. */
  async giveUp(accountId: string, webhookId: string): Promise<void> {
    let given = GIVE_UP_ROWS;
    while (given === GIVE_UP_ROWS)
      given = (await this.database.query(GIVE_UP, [accountId, webhookId, GIVE_UP_ROWS])).length;
  }

  /** @param isTime whether some may have waited long enough by now */
  private async look(isTime: boolean): Promise<void> {
    if (isTime) await this.makeReady();
    await this.claim();
  }

  private async makeReady(): Promise<void> {
    let made = READY_ROWS;
    while (made === READY_ROWS) made = (await this.database.query(MAKE_READY, [READY_ROWS])).length;
  }

  private async claim(): Promise<void> {
    const room = AT_ONCE.all - this.running.size;
    if (room <= 0) return;
    const leaseSeconds = this.config.WEBHOOK_TIMEOUT_SECONDS + LEASE_MORE_SECONDS;
    const values = [room, ...busyOf([...this.running.values()]), leaseSeconds];
    for (const row of await this.database.query<ClaimedDelivery>(CLAIM, values)) this.start(row);
  }

  private start(row: ClaimedDelivery): void {
    const work = this.deliver(row)
      .catch((error: Error) => {
        // It comes back with its lease: sent twice rather than never.
        this.logger.warn({
          message: 'a delivery could not be settled and is sent again',
          webhook_id: row.webhook_id,
          cause: error.message,
        });
      })
      .finally(() => {
        this.running.delete(work);
        this.wake();
      });
    this.running.set(work, row);
  }

  private async deliver(row: ClaimedDelivery): Promise<void> {
    if (!row.enabled) return this.giveUp(row.account_id, row.webhook_id);
    const outcome = await this.send(row);
    const held = [row.account_id, row.webhook_id, row.delivery_id, row.lease];
    if (outcome.status !== null && outcome.status >= 200 && outcome.status < 300) {
      await this.database.query(SETTLE_DELIVERED, [...held, outcome.status]);
    } else if (outcome.status === null && this.isCutOff) {
      await this.database.query(GIVE_BACK, held);
    } else {
      await this.fail(row, held, outcome);
    }
  }

  private send({
    url,
    secret,
    old_secret,
    delivery_id,
    payload,
  }: ClaimedDelivery): Promise<SendOutcome> {
    const secrets = old_secret === null ? [secret] : [secret, old_secret];
    const headers = {
      'content-type': 'application/json',
      'user-agent': this.userAgent,
      ...signedHeaders(secrets, delivery_id, payload, new Date()),
    };
    return this.client.post(url, headers, payload);
  }

  private async fail(
    { account_id, webhook_id, attempts }: ClaimedDelivery,
    held: string[],
    { status, error }: SendOutcome,
  ): Promise<void> {
    const isGone = status === GONE;
    const waitSeconds = isGone ? null : waitAfter(attempts + 1);
    const values = [...held, status, error, waitSeconds, isGone, FAILING_DAYS];
    const [webhook] = await this.database.query<{
      enabled: boolean;
      disabled_reason: string | null;
    }>(SETTLE_FAILED, values);
    if (!webhook || webhook.enabled) return;
    const { disabled_reason: reason } = webhook;
    if (reason)
      this.logger.warn({ message: 'a webhook is disabled', account_id, webhook_id, reason });
    await this.giveUp(account_id, webhook_id);
  }
}

/** Webhooks that are called now, as columns: account, webhook, with how many requests. */
function busyOf(running: readonly ClaimedDelivery[]): unknown[][] {
  const counts = new Map<string, { account: string; requests: number }>();
  for (const { account_id: account, webhook_id } of running) {
    counts.set(webhook_id, { account, requests: (counts.get(webhook_id)?.requests ?? 0) + 1 });
  }
  const busy = [...counts.values()];
  return [
    busy.map(({ account }) => account),
    [...counts.keys()],
    busy.map(({ requests }) => requests),
  ];
}
