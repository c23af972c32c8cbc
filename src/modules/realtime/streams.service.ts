import { Readable } from 'node:stream';
import { Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import type { Principal } from '../../common/principal.js';
import { problems } from '../../common/problems.js';
import { Loop } from '../../runtime/loop.js';
import { Outage } from '../../runtime/outage.js';
import { Presence, tooManyConnections } from '../auth/presence.service.js';
import { EventStream } from './event-stream.js';
import { FeedsService } from './feeds.service.js';

const KEEP_ALIVE_MS = 15_000;
/**
 * `EventSource` gives up for good on any status but 200, and comes back after a stream that ends
 * (WHATWG HTML, 9.2).
 */
const COME_BACK = 'retry: 1000\n\n';

/** The event streams of this instance. */
@Injectable()
export class StreamsService implements OnModuleDestroy {
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
   * A stream of all events of a chat's conversation after `since`, or after this moment. While the
   * server stops it only says when to come back.
   * @throws chat_not_found; rate_limited when the account has too many open connections
   */
  async open(principal: Principal, chatId: string, since: number | undefined): Promise<Readable> {
    const conversation = await this.feeds.find(principal.accountId, chatId);
    if (!conversation) throw problems.chatNotFound();
    if (this.stopping) return Readable.from([COME_BACK]);
    const stream = new EventStream((closed) => {
      this.streams.delete(closed);
      this.presence.leave(principal, closed);
    });
    if (!this.presence.enter(principal, stream)) throw tooManyConnections();
    this.streams.add(stream);
    this.loop.start();
    const { eventSeq } = conversation;
    const at = Math.min(since ?? eventSeq, eventSeq);
    stream.begin(this.feeds.subscribe(conversation, stream, at), { chatId, eventSeq, at });
    return stream;
  }

  onModuleDestroy(): void {
    this.stopping = true;
    void this.loop.stop();
    for (const stream of this.streams) stream.finish();
  }

  private keepAlive(): void {
    for (const stream of this.streams) stream.keepAlive();
  }
}
