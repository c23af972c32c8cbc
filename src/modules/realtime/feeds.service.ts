import { Injectable } from '@nestjs/common';
import { EventDispatcher } from '../../events/event-dispatcher.js';
import { AccountFeeds } from './account-feeds.service.js';
import { type ConversationHead, EventReader } from './event.reader.js';
import { Feed, type FeedPort } from './feed.js';
import { type Sink, Subscription } from './subscription.js';

/** All feeds of this instance: one for each conversation that somebody reads. */
@Injectable()
export class FeedsService {
  /** By account and root: two accounts may have chosen the same id. */
  private readonly feeds = new Map<string, Feed>();
  private readonly port: FeedPort = {
    read: (feed, since) => this.reader.after(feed, since),
    tellRest: (feed, responseIds) => this.dispatcher.tellRest(feed, responseIds),
    drop: (feed) => this.drop(feed),
  };

  constructor(
    private readonly reader: EventReader,
    private readonly dispatcher: EventDispatcher,
    /** Those of accounts. */
    readonly accounts: AccountFeeds,
  ) {}

  /** Finds what a chat belongs to; null when there is no such chat of this account. */
  find(accountId: string, chatId: string): Promise<ConversationHead | null> {
    return this.reader.find(accountId, chatId);
  }

  /** A reader who has the events up to `since`. Nothing is taken before its `resume()`. */
  subscribe(conversation: ConversationHead, sink: Sink, since: number): Subscription {
    const feed = this.feeds.get(keyOf(conversation)) ?? this.open(conversation);
    const subscription = new Subscription(feed, sink, Math.min(since, conversation.eventSeq));
    feed.join(subscription);
    return subscription;
  }

  private open(conversation: ConversationHead): Feed {
    const feed = new Feed(conversation, this.port);
    this.feeds.set(keyOf(feed), feed);
    this.dispatcher.watch(feed);
    // What was committed between the look at the conversation and this moment woke nobody here.
    setImmediate(() => feed.wake());
    return feed;
  }

  private drop(feed: Feed): void {
    this.feeds.delete(keyOf(feed));
    this.dispatcher.unwatch(feed);
  }
}

const keyOf = ({
  accountId,
  rootChatId,
}: Pick<ConversationHead, 'accountId' | 'rootChatId'>): string => `${accountId}/${rootChatId}`;
