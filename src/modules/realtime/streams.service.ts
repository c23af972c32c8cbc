import { Readable } from 'node:stream';
import { Injectable, Logger } from '@nestjs/common';
import type { Principal } from '../../common/principal.js';
import { problems } from '../../common/problems.js';
import { Loop } from '../../runtime/loop.js';
import { Outage } from '../../runtime/outage.js';
import { ClosesAt } from '../../runtime/shutdown.module.js';
import { Presence, tooManyConnections } from '../auth/presence.service.js';
import { subscribedOf } from './account-feeds.service.js';
import { EventStream } from './event-stream.js';
import { FeedsService } from './feeds.service.js';
import type { Sink, Subscription } from './subscription.js';

const KEEP_ALIVE_MS = 15_000;
/**
 * `EventSource` gives up for good on any status but 200, and comes back after a stream that ends
 * (WHATWG HTML, 9.2).
 */
const COME_BACK = 'retry: 1000\n\n';

/** What can be followed. */
interface FoundSource {
  eventSeq: number;
  /** The data of `subscribed`. */
  subscribed: object;
  subscribe(sink: Sink, at: number): Subscription;
}

/** The event streams of this instance. */
@Injectable()
export class StreamsService {
  private readonly streams = new Set<EventStream>();
  private readonly loop = new Loop(
    () => this.keepAlive(),
    new Outage((cause) =>
      new Logger('Streams').error({ message: 'streams could not be kept alive', cause }),
    ),
    { everyMs: KEEP_ALIVE_MS },
  );
  private stopping = false;

  constructor(
    private readonly feeds: FeedsService,
    private readonly presence: Presence,
  ) {}

  /**
   * A stream of all events of a chat's conversation, or of the account, after `since`, or after
   * this moment. While the server stops it only says when to come back.
   * @throws chat_not_found; rate_limited when the account has too many open connections
   */
  async open(
    principal: Principal,
    chatId: string | undefined,
    since: number | undefined,
  ): Promise<Readable> {
    const { accountId } = principal;
    const found =
      chatId === undefined
        ? await this.account(accountId, since)
        : await this.chat(accountId, chatId);
    if (this.stopping) return Readable.from([COME_BACK]);
    const stream = new EventStream((closed) => {
      this.streams.delete(closed);
      this.presence.leave(principal, closed);
    });
    if (!this.presence.enter(principal, stream)) throw tooManyConnections();
    this.streams.add(stream);
    this.loop.start();
    const at = Math.min(since ?? found.eventSeq, found.eventSeq);
    stream.begin(found.subscribe(stream, at), found.subscribed, at);
    return stream;
  }

  private async chat(accountId: string, chatId: string): Promise<FoundSource> {
    const conversation = await this.feeds.find(accountId, chatId);
    if (!conversation) throw problems.chatNotFound();
    const { eventSeq } = conversation;
    return {
      eventSeq,
      subscribed: { chat_id: chatId, seq: eventSeq },
      subscribe: (sink, at) => this.feeds.subscribe(conversation, sink, at),
    };
  }

  private async account(accountId: string, since: number | undefined): Promise<FoundSource> {
    const followed = await this.feeds.accounts.find(accountId);
    const { eventSeq } = followed;
    return {
      eventSeq,
      subscribed: subscribedOf(followed, since),
      subscribe: (sink, at) => this.feeds.accounts.subscribe(followed, sink, at),
    };
  }

  @ClosesAt('streams')
  stop(): void {
    this.stopping = true;
    void this.loop.stop();
    for (const stream of this.streams) stream.finish();
  }

  private keepAlive(): void {
    for (const stream of this.streams) stream.keepAlive();
  }
}
