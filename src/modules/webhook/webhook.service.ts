import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { idBefore, type Page, type PageAsked, pageOf } from '../../common/cursor.js';
import { FIRST_UUID, newId } from '../../common/ids.js';
import { invalidField, problems } from '../../common/problems.js';
import { Config } from '../../config/config.js';
import { Database, type Statement } from '../../database/database.js';
import { newSecret } from './signature.js';
import { WebhookAccount } from './webhook-account.entity.js';
import { WebhookDeliverer } from './webhook-deliverer.service.js';
import { testPayloadOf, WEBHOOK_EVENTS, type WebhookEvent } from './webhook-events.js';
import { type AddressRules, allowedBy, urlFault } from './webhook-url.js';
import { Webhook } from './webhook.entity.js';
import {
  type DeliveryRow,
  FIND,
  HOLD_ACCOUNT,
  HOLD_WEBHOOK,
  INSERT,
  INSERT_TEST,
  LIST,
  LIST_DELIVERIES,
  LOCK_ACCOUNT,
  REMOVE,
  REMOVE_DELIVERIES,
  REMOVE_POSITIONS,
  ROTATE,
  SKIP_PAST,
  UPDATE,
  type WebhookRow,
} from './webhook.sql.js';

export interface NewWebhook {
  url: string;
  events?: WebhookEvent[];
  description?: string | null;
}

export interface WebhookChanges extends Partial<NewWebhook> {
  enabled?: boolean;
}

/** The webhook and its new secret, which is told this once. */
export interface WithSecret {
  webhook: WebhookRow;
  secret: string;
}

/** More receivers than an account needs; each makes every event a delivery more. */
const WEBHOOKS_MAX = 20;
const ROWS = 5000;

/** Webhooks and what their owner does with them. */
@Injectable()
export class WebhookService {
  private readonly allowed: AddressRules;

  constructor(
    private readonly database: Database,
    private readonly deliverer: WebhookDeliverer,
    private readonly config: Config,
  ) {
    this.allowed = allowedBy(config);
  }

  /**
   * Told of everything that is committed after this transaction. @throws validation_failed for the
   * URL, too_many_webhooks, webhooks_off
   */
  async create(
    tx: EntityManager,
    accountId: string,
    { url, events, description }: NewWebhook,
  ): Promise<WithSecret> {
    this.assertOn();
    const address = this.checked(url);
    // Counted under its lock, in a statement of its own: one that waited for the lock would not see
    // what was made meanwhile.
    const [{ is_new }] = await tx.query<[{ is_new: boolean }]>(LOCK_ACCOUNT, [accountId]);
    if (is_new) await skipPast(tx, accountId);
    else if ((await tx.countBy(Webhook, { accountId })) >= WEBHOOKS_MAX)
      throw problems.tooManyWebhooks();
    const secret = newSecret();
    const values = [
      accountId,
      newId(),
      address,
      events ?? WEBHOOK_EVENTS,
      description ?? null,
      secret,
    ];
    const [webhook] = await tx.query<[WebhookRow]>(INSERT, values);
    return { webhook, secret };
  }

  /** @throws webhook_not_found */
  async get(accountId: string, webhookId: string): Promise<WebhookRow> {
    const [webhook] = await this.database.query<WebhookRow>(FIND, [accountId, webhookId]);
    if (!webhook) throw problems.webhookNotFound();
    return webhook;
  }

  /** The webhooks of an account, newest first. */
  list(accountId: string, asked: PageAsked): Promise<Page<WebhookRow>> {
    return this.page<WebhookRow>(LIST, [accountId], asked, { scope: 'webhooks', id: 'webhook_id' });
  }

  /** Sets what is given. @throws webhook_not_found, validation_failed for the URL */
  async update(accountId: string, webhookId: string, changes: WebhookChanges): Promise<WebhookRow> {
    const url = changes.url === undefined ? null : this.checked(changes.url);
    const { events = null, description, enabled = null } = changes;
    const values = [
      accountId,
      webhookId,
      url,
      events,
      description !== undefined,
      description ?? null,
      enabled,
    ];
    const [webhook] = await this.database.query<WebhookRow>(UPDATE, values);
    if (!webhook) throw problems.webhookNotFound();
    if (enabled === false) await this.deliverer.giveUp(accountId, webhookId);
    return webhook;
  }

  /** A new secret; the one before it signs too for a day. @throws webhook_not_found */
  async rotateSecret(tx: EntityManager, accountId: string, webhookId: string): Promise<WithSecret> {
    const secret = newSecret();
    const [[webhook]] = await tx.query<[WebhookRow[], number]>(ROTATE, [
      accountId,
      webhookId,
      secret,
    ]);
    if (!webhook) throw problems.webhookNotFound();
    return { webhook, secret };
  }

  /**
   * Deletes it with its deliveries; with the last one goes all that is known of how far events were
   * read. @throws webhook_not_found
   */
  async remove(accountId: string, webhookId: string): Promise<void> {
    // In parts, and disabled before, so that none of it takes long however much there is. Cut off
    // in between, it can be deleted again.
    await this.update(accountId, webhookId, { enabled: false });
    for (let removed = ROWS; removed === ROWS;)
      removed = (await this.database.query(REMOVE_DELIVERIES, [accountId, webhookId, ROWS])).length;
    await this.database.transaction(async (tx) => {
      const [account] = await tx.query<unknown[]>(HOLD_ACCOUNT, [accountId]);
      await tx.query(HOLD_WEBHOOK, [accountId, webhookId]);
      // What came meanwhile: left to the foreign key it would be taken in no order.
      await tx.query(REMOVE_DELIVERIES.text, [accountId, webhookId, ROWS]);
      await tx.query(REMOVE, [accountId, webhookId]);
      if (account && (await tx.countBy(Webhook, { accountId })) === 0)
        await forgetAccount(tx, accountId);
    });
  }

  /** What was sent, or is to be, newest first. @throws webhook_not_found */
  async deliveries(
    accountId: string,
    webhookId: string,
    asked: PageAsked & { status?: string },
  ): Promise<Page<DeliveryRow>> {
    await this.get(accountId, webhookId);
    const scope = `deliveries:${webhookId}`;
    return this.page<DeliveryRow>(
      LIST_DELIVERIES,
      [accountId, webhookId],
      asked,
      { scope, id: 'delivery_id' },
      [asked.status ?? null],
    );
  }

  /**
   * A delivery that says nothing, to try the receiver with. @throws webhook_not_found,
   * webhook_disabled, webhooks_off
   */
  async test(tx: EntityManager, accountId: string, webhookId: string): Promise<DeliveryRow> {
    this.assertOn();
    await this.get(accountId, webhookId);
    const values = [accountId, webhookId, newId(), testPayloadOf(webhookId, new Date())];
    const [delivery] = await tx.query<DeliveryRow[]>(INSERT_TEST, values);
    if (!delivery) throw problems.webhookDisabled();
    return delivery;
  }

  private assertOn(): void {
    if (!this.config.WEBHOOKS) throw problems.webhooksOff();
  }

  private checked(url: string): string {
    const fault = urlFault(url, this.allowed);
    if (fault) throw invalidField('url', fault);
    return new URL(url).href;
  }

  private async page<Row extends Record<string, unknown>>(
    statement: Statement,
    before: readonly string[],
    { limit, cursor }: PageAsked,
    { scope, id }: { scope: string; id: string },
    after: readonly unknown[] = [],
  ): Promise<Page<Row>> {
    const last = idBefore(cursor, scope);
    const rows = await this.database.query<Row>(statement, [...before, last, limit + 1, ...after]);
    return pageOf(rows, limit, scope, (row) => row[id] as string);
  }
}

async function skipPast(tx: EntityManager, accountId: string): Promise<void> {
  for (let after: string | null = FIRST_UUID; after !== null;) {
    const rows: { last: string | null }[] = await tx.query(SKIP_PAST, [accountId, after, ROWS]);
    after = rows[0]!.last;
  }
}

async function forgetAccount(tx: EntityManager, accountId: string): Promise<void> {
  for (let removed = ROWS; removed === ROWS;) {
    const rows: { removed: number }[] = await tx.query(REMOVE_POSITIONS, [accountId, ROWS]);
    removed = rows[0]!.removed;
  }
  await tx.delete(WebhookAccount, { accountId });
}
