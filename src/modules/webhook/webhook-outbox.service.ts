import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleInit } from '@nestjs/common';
import { FIRST_UUID, newId } from '../../common/ids.js';
import { Config } from '../../config/config.js';
import { Database } from '../../database/database.js';
import { EventDispatcher } from '../../events/event-dispatcher.js';
import { Loop } from '../../runtime/loop.js';
import { Outage } from '../../runtime/outage.js';
import { ClosesAt } from '../../runtime/shutdown.module.js';
import {
  CLAIM_SWEEP,
  FIND_BEHIND,
  READ_EVENTS,
  READ_WEBHOOKS,
  WRITE_DELIVERIES,
} from './outbox.sql.js';
import { WebhookDeliverer } from './webhook-deliverer.service.js';
import { payloadOf, type ReadEvent, webhookEventOf, type WebhookEvent } from './webhook-events.js';

interface ListenerRow {
  account_id: string;
  webhook_id: string;
  events: WebhookEvent[];
}

/** A row of `webhook_deliveries`, in the order of its parameters. */
type Row = [
  accountId: string,
  webhookId: string,
  deliveryId: string,
  rootChatId: string,
  seq: number,
  type: WebhookEvent,
  payload: string,
];

/** Changes that come within this time are looked at together. */
const GATHER_MS = 200;
/** More changes than that at once are left to the sweep. */
const CHANGED_MAX = 10_000;
const CONVERSATIONS = 100;
const SWEEP_TICK_MS = 5000;
const SWEEP_SECONDS = 60;

/**
 * Makes deliveries of events. It reads the outbox that is there already, `events`, each
 * conversation from a position of its own: events of one conversation are committed in the order of
 * their numbers, so nothing can appear behind a position. What this instance commits it hears of at
 * once; what was committed by one that died before it was looked at is found by a sweep. Why so:
 * docs/decisions/0013-webhooks.md.
 */
@Injectable()
export class WebhookOutbox implements OnModuleInit, OnApplicationBootstrap {
  private readonly logger = new Logger('Webhooks');
  /** Conversations with news, as `<account>/<root>`: accounts may have chosen the same ids. */
  private changed = new Set<string>();
  /**
   * One for both, so that this instance needs one connection for them. What fails is found again by
   * a sweep.
   */
  private readonly loop = new Loop(
    (isTime) => this.look(isTime),
    new Outage((cause) =>
      this.logger.warn({
        message: 'events could not be read for webhooks and are read again later',
        cause,
      }),
    ),
    { everyMs: SWEEP_TICK_MS, gatherMs: GATHER_MS },
  );

  constructor(
    private readonly database: Database,
    private readonly events: EventDispatcher,
    private readonly deliverer: WebhookDeliverer,
    private readonly config: Config,
  ) {}

  onModuleInit(): void {
    if (this.config.WEBHOOKS)
      this.events.listen((accountId, rootChatId) => this.note(accountId, rootChatId));
  }

  onApplicationBootstrap(): void {
    if (this.config.WEBHOOKS) this.loop.start();
  }

  @ClosesAt('loops')
  stop(): Promise<void> {
    return this.loop.stop();
  }

  /**
   * Makes deliveries of all events of these conversations that have not become any; none while
   * webhooks are off. Answers how many. @throws when PostgreSQL is away
   */
  async dispatch(accountIds: readonly string[], rootChatIds: readonly string[]): Promise<number> {
    if (!this.config.WEBHOOKS) return 0;
    let made = 0;
    for (let from = 0; from < rootChatIds.length; from += CONVERSATIONS) {
      const part = [accountIds, rootChatIds].map((ids) => ids.slice(from, from + CONVERSATIONS));
      for (let events = await this.read(part); events.length > 0; events = await this.read(part))
        made += await this.write(events);
    }
    if (made > 0) this.deliverer.wake();
    return made;
  }

  /**
   * Looks through one account whose turn it is, whoever committed what there; false when it is
   * nobody's turn.
   */
  async sweep(): Promise<boolean> {
    const [account] = await this.database.query<{ account_id: string }>(CLAIM_SWEEP, [
      SWEEP_SECONDS,
    ]);
    if (!account) return false;
    for (let after: string | null = FIRST_UUID; after !== null && !this.loop.isStopped;) {
      const rows: { last: string | null; behind: string[] }[] = await this.database.query(
        FIND_BEHIND,
        [account.account_id, after],
      );
      const { last, behind } = rows[0]!;
      const accounts = behind.map(() => account.account_id);
      await this.dispatch(accounts, behind);
      after = last;
    }
    return true;
  }

  private note(accountId: string, rootChatId: string): void {
    if (this.changed.size < CHANGED_MAX) this.changed.add(`${accountId}/${rootChatId}`);
    this.loop.wake();
  }

  private async look(isTime: boolean): Promise<void> {
    await this.dispatchChanged();
    while (isTime && !this.loop.isStopped && (await this.sweep()));
  }

  private async dispatchChanged(): Promise<void> {
    const changed = this.changed;
    this.changed = new Set();
    const places = [...changed].map((key) => key.split('/') as [string, string]);
    await this.dispatch(
      places.map(([account]) => account),
      places.map(([, root]) => root),
    );
  }

  private read([accounts, rootChats]: (readonly string[])[]): Promise<
    (ReadEvent & Record<string, unknown>)[]
  > {
    return this.database.query(READ_EVENTS, [accounts, rootChats]);
  }

  private async write(events: readonly ReadEvent[]): Promise<number> {
    // Asked after the events were read: a webhook that was there before an event is seen here.
    const accounts = [...new Set(events.map((event) => event.account_id))];
    const webhooks = await this.database.query<ListenerRow & Record<string, unknown>>(
      READ_WEBHOOKS,
      [accounts],
    );
    const rows = events.flatMap((event) => rowsOf(event, webhooks));
    const values = Array.from({ length: 7 }, (_, column) => rows.map((row) => row[column]));
    return (await this.database.query(WRITE_DELIVERIES, [...positionsAfter(events), ...values]))
      .length;
  }
}

function rowsOf(event: ReadEvent, webhooks: readonly ListenerRow[]): Row[] {
  const type = webhookEventOf(event);
  if (!type) return [];
  const { account_id, root_chat_id, seq } = event;
  return webhooks
    .filter((webhook) => webhook.account_id === account_id && webhook.events.includes(type))
    .map((webhook) => [
      account_id,
      webhook.webhook_id,
      newId(),
      root_chat_id,
      seq,
      type,
      payloadOf(type, event),
    ]);
}

/** The last event of each conversation, as columns. Events come in the order of their numbers. */
function positionsAfter(events: readonly ReadEvent[]): unknown[][] {
  const last = [
    ...new Map(
      events.map((event) => [`${event.account_id}:${event.root_chat_id}`, event]),
    ).values(),
  ];
  return [
    last.map((event) => event.account_id),
    last.map((event) => event.root_chat_id),
    last.map((event) => event.seq),
  ];
}
