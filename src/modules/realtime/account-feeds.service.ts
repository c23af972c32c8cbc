import { Injectable, Logger } from '@nestjs/common';
import { FIRST_UUID, LAST_UUID } from '../../common/ids.js';
import { Database } from '../../database/database.js';
import { EventDispatcher } from '../../events/event-dispatcher.js';
import { Loop } from '../../runtime/loop.js';
import { Outage } from '../../runtime/outage.js';
import { ClosesAt } from '../../runtime/shutdown.module.js';
import { AccountEventReader } from './account-event.reader.js';
import {
  BEGUN,
  EVENTS_MAX,
  type FeedRow,
  FIND_BEHIND,
  FIND_FEED,
  HISTORY_MAX,
  LOCK_FEED,
  MAKE_FEED,
  NUMBER,
  SKIP_OLD,
} from './account-events.sql.js';
import { AccountFeed, type AccountFeedPort } from './account-feed.js';
import { type Sink, Subscription } from './subscription.js';

/** An account that somebody is about to follow. */
export interface FollowTarget {
  accountId: string;
  /** The number of its newest event. */
  eventSeq: number;
  /** Up to this number events have gone by their age. */
  thinnedTo: number;
}

/** What a reader is told first who comes with `since`: also that events are missing behind it. */
export const subscribedOf = (
  { eventSeq, thinnedTo }: FollowTarget,
  since: number | undefined,
): object => ({
  account: true,
  seq: eventSeq,
  ...(since !== undefined && since < thinnedTo && { kept_from: thinnedTo + 1 }),
});

const LOOK_MS = 1000;
/** A look at all conversations may take the hundredth part of the time. */
const LOOK_SHARE = 100;
const CONVERSATIONS = 50;

/**
 * The events of accounts: those of their conversations, which are in the outbox, get numbers of the
 * account behind their commits and only where somebody follows it. Why so:
 * docs/decisions/0030-account-events.md.
 */
@Injectable()
export class AccountFeeds {
  private readonly logger = new Logger('Events');
  private readonly feeds = new Map<string, AccountFeed>();
  private isListening = false;
  private readonly port: AccountFeedPort = {
    number: (accountId, rootChatIds) =>
      rootChatIds ? this.number(accountId, rootChatIds) : this.numberAll(accountId),
    read: (accountId, since) => this.reader.after(accountId, since),
    drop: (feed) => this.drop(feed),
  };
  private readonly loop = new Loop(
    () => this.look(),
    new Outage((cause) =>
      this.logger.debug({ message: 'could not look for events of accounts', cause }),
    ),
    { everyMs: LOOK_MS },
  );

  constructor(
    private readonly database: Database,
    private readonly dispatcher: EventDispatcher,
    private readonly reader: AccountEventReader,
  ) {}

  @ClosesAt('loops')
  stop(): Promise<void> {
    return this.loop.stop();
  }

  /** What a reader who comes now has not missed: all that was committed before has its number. */
  async find(accountId: string): Promise<FollowTarget> {
    const open = this.feeds.get(accountId);
    if (open) await open.settle();
    else {
      await this.begin(accountId);
      await this.numberAll(accountId);
    }
    const [row] = await this.database.query<FeedRow>(FIND_FEED, [accountId]);
    return { accountId, eventSeq: row?.seq ?? 0, thinnedTo: row?.thinned_to ?? 0 };
  }

  /** A reader who has the events up to `since`. Nothing is taken before its `resume()`. */
  subscribe({ accountId, eventSeq }: FollowTarget, sink: Sink, since: number): Subscription {
    const feed = this.feeds.get(accountId) ?? this.open(accountId, eventSeq);
    const subscription = new Subscription(feed, sink, Math.min(since, eventSeq));
    feed.join(subscription);
    return subscription;
  }

  private open(accountId: string, head: number): AccountFeed {
    const feed = new AccountFeed(accountId, head, this.port);
    this.feeds.set(accountId, feed);
    if (!this.isListening) {
      this.isListening = true;
      this.dispatcher.listenToAccounts((account, root) => this.feeds.get(account)?.note(root));
    }
    this.loop.start();
    // What was committed between the look at the account and this moment woke nobody here.
    setImmediate(() => feed.lookAtAll());
    return feed;
  }

  private drop(feed: AccountFeed): void {
    if (this.feeds.get(feed.accountId) === feed) this.feeds.delete(feed.accountId);
  }

  /** What no commit told, or what was lost of it, is found so. The next feed starts it again. */
  private look(): number {
    if (this.feeds.size === 0) return Infinity;
    const now = performance.now();
    for (const feed of this.feeds.values()) if (feed.lookAtMs <= now) feed.lookAtAll();
    return LOOK_MS;
  }

  /** Decides once which of the events that are there get numbers: the newest 10,000. */
  private async begin(accountId: string): Promise<void> {
    const [row] = await this.database.query<FeedRow>(FIND_FEED, [accountId]);
    if (row?.begun) return;
    await this.database.query(MAKE_FEED, [accountId]);
    let left = HISTORY_MAX;
    for (let before: string | null = LAST_UUID; before !== null;) {
      const rows: { last: string | null; total: number }[] = await this.database.query(SKIP_OLD, [
        accountId,
        before,
        left,
      ]);
      before = rows[0]!.last;
      left = Math.max(0, left - rows[0]!.total);
    }
    await this.database.query(BEGUN, [accountId]);
  }

  private async numberAll(accountId: string): Promise<void> {
    const started = performance.now();
    for (let after: string | null = FIRST_UUID; after !== null;) {
      const rows: { last: string | null; behind: string[] }[] = await this.database.query(
        FIND_BEHIND,
        [accountId, after],
      );
      const { last, behind } = rows[0]!;
      await this.number(accountId, behind);
      after = last;
    }
    const feed = this.feeds.get(accountId);
    const now = performance.now();
    if (feed) feed.lookAtMs = now + Math.max(LOOK_MS, LOOK_SHARE * (now - started));
  }

  private async number(accountId: string, rootChatIds: readonly string[]): Promise<void> {
    for (let left = [...rootChatIds]; left.length > 0;) {
      const some = left.splice(0, CONVERSATIONS);
      const full = await this.numberSome(accountId, some);
      left.unshift(...full);
    }
  }

  /** Answers those that may have more. */
  private numberSome(accountId: string, rootChatIds: readonly string[]): Promise<string[]> {
    return this.database.transaction(async (tx) => {
      const [feed] = await tx.query<{ seq: number }[]>(LOCK_FEED, [accountId]);
      if (!feed) return [];
      const rows = await tx.query<{ root_chat_id: string; events: number }[]>(NUMBER, [
        accountId,
        rootChatIds,
        feed.seq,
      ]);
      return rows
        .filter(({ events }) => events === EVENTS_MAX)
        .map(({ root_chat_id: root }) => root);
    });
  }
}
