import type { Duplex } from 'node:stream';
import type { RawData, WebSocket } from 'ws';
import type { Principal } from '../../common/principal.js';
import { FrameBucket } from '../../common/frame-bucket.js';
import type { RateStanding } from '../../common/rate-limit.js';
import { BUFFERED_BYTES_MAX, CLOSE } from '../../common/upgrades.js';
import { afterRunning } from '../../runtime/run-clock.js';
import type { Guest, Presence } from '../auth/presence.service.js';
import { DeltaTray } from './delta-tray.js';
import { control, type Envelope } from './envelope.js';
import type { ConversationHead } from './event.reader.js';
import { type AccountFeeds, type FollowTarget, subscribedOf } from './account-feeds.service.js';
import type { FeedsService } from './feeds.service.js';
import { type SocketCommand, type Fault, isFault, readFrame } from './frames.js';
import type { Pieces } from './pieces.js';
import type { Sink, Subscription } from './subscription.js';

/** What all connections use. */
export interface ConnectionPort {
  readonly feeds: FeedsService;
  readonly accounts: AccountFeeds;
  readonly presence: Presence;
  /**
   * Null for a token that is refused. @throws while PostgreSQL is away and the token is not known
   */
  authenticate(token: string): Principal | null | Promise<Principal | null>;
  /** Counts a request of the account; null where nothing is limited. */
  count(accountId: string): Promise<RateStanding | null>;
}

/** Who connects. */
export interface Arrival {
  /** That of the upgrade request; undefined = it comes in the first frame. */
  readonly token: string | undefined;
  /** To be called when a token was good. */
  known(): void;
  /** To be called when it was not. */
  refused(): void;
}

const SUBSCRIPTIONS_MAX = 256;
/** Under this the subscription to the account is kept; no id of a chat is like it. */
const ACCOUNT = 'account';
/** Names of one conversation that are remembered for `unsubscribe`, besides its root. */
const CHAT_IDS_MAX = 64;
const AUTH_MS = 5000;
/** A replay waits while more than this is on its way to the reader. */
const REPLAY_BYTES = 256 * 1024;
const NOT_FOUND: Fault = {
  code: 'not_found',
  message: 'There is no such chat, or it is not yours.',
};

const TOO_MANY: Fault = {
  code: 'too_many_subscriptions',
  message: `At most ${SUBSCRIPTIONS_MAX} conversations for each socket.`,
};

/** One client at `/api/v1/ws`. Its frames are answered one after the other, in their order. */
export class Connection implements Guest, Sink {
  readonly outlivesDeletion = true;
  private principal: Principal | null = null;
  private readonly arrival: Arrival;
  /** By root: two chats of one conversation are one subscription. That of the account beside. */
  private readonly subscriptions = new Map<string, NamedSubscription>();
  private inbox: (SocketCommand | Fault)[] | null = null;
  private tray: DeltaTray | null = null;
  /** Replays that wait for room. */
  private readonly waiting: Subscription[] = [];
  private readonly stopWaiting: () => void;
  private readonly bucket = new FrameBucket();

  /**
   * @param wire what the socket writes to; frames that many readers share go there whole. Nothing
   * is compressed, so `ws` itself never holds one back
   */
  constructor(
    private readonly socket: WebSocket,
    private readonly wire: Duplex,
    private readonly port: ConnectionPort,
    arrival: Arrival,
  ) {
    this.arrival = arrival;
    const { token } = arrival;
    socket.on('message', (raw, isBinary) => this.receive(raw, isBinary));
    socket.on('close', () => this.dispose());
    this.stopWaiting = afterRunning(AUTH_MS, () =>
      this.close(CLOSE.unauthorized, 'no token within 5 s'),
    );
    if (token !== undefined) this.enqueue({ event: 'auth', token });
  }

  expel(): void {
    this.close(CLOSE.unauthorized, 'the token has ended');
  }

  deliver(events: readonly Envelope[], isLive: boolean, subscription: Subscription): boolean {
    this.tray?.sendBefore(events);
    for (const event of events) if (this.hasRoom()) this.wire.write(event.frame);
    if (isLive || this.socket.bufferedAmount <= REPLAY_BYTES) return this.isOpen;
    this.resumeLater(subscription);
    return false;
  }

  hear(pieces: Pieces): void {
    this.tray ??= new DeltaTray(({ frame }) => {
      if (this.hasRoom()) this.wire.write(frame);
    });
    this.tray.add(pieces);
  }

  finish(subscription: Subscription): void {
    this.tray?.drop(subscription.feed.key);
    this.subscriptions.delete(subscription.feed.key);
  }

  private resumeLater(subscription: Subscription): void {
    this.waiting.push(subscription);
    if (this.waiting.length > 1) return;
    // A pong that nobody asked for is allowed (RFC 6455, 5.5.3). Its callback says that all before
    // it has left.
    this.socket.pong('', false, () => {
      for (const one of this.waiting.splice(0)) one.resume();
    });
  }

  private get isOpen(): boolean {
    return this.socket.readyState === this.socket.OPEN;
  }

  private receive(raw: RawData, isBinary: boolean): void {
    if (!this.isOpen) return;
    if (this.bucket.take()) this.enqueue(readFrame(raw, isBinary));
    else if (this.principal) this.close(CLOSE.tooMany, 'too many frames');
    else this.socket.terminate();
  }

  private enqueue(frame: SocketCommand | Fault): void {
    if (this.inbox) this.inbox.push(frame);
    else void this.work((this.inbox = [frame]));
  }

  private async work(inbox: (SocketCommand | Fault)[]): Promise<void> {
    for (let next = inbox.shift(); next && this.isOpen; next = inbox.shift()) {
      try {
        await this.answer(next);
      } catch {
        this.fail({ code: 'store_unavailable', message: 'A store is away. Try again soon.' });
        if (!this.principal) this.close(CLOSE.tryAgainLater, 'a store is away');
      }
    }
    this.inbox = null;
  }

  private async answer(frame: SocketCommand | Fault): Promise<void> {
    if (!this.principal && (isFault(frame) || frame.event !== 'auth')) {
      this.fail({ code: 'unauthorized', message: 'The first frame must be auth.' });
      return this.close(CLOSE.unauthorized, 'the first frame must be auth');
    }
    if (isFault(frame)) return this.fail(frame);
    if (frame.event === 'auth') return this.authenticate(frame.token);
    if (frame.event === 'subscribe') return this.subscribe(frame.chatId, frame.since);
    if (frame.event === 'unsubscribe') return this.unsubscribe(frame.chatId);
    this.send(control('pong'));
  }

  /**
   * Also later, with a new token of the same account: then the socket lives as long as that one.
   */
  private async authenticate(token: string): Promise<void> {
    const principal = await this.port.authenticate(token);
    if (!this.isOpen) return;
    if (!principal) this.arrival.refused();
    if (!principal || (this.principal && this.principal.accountId !== principal.accountId)) {
      return this.close(CLOSE.unauthorized, 'the token is not good');
    }
    if (this.principal) this.port.presence.leave(this.principal, this);
    this.principal = principal;
    this.arrival.known();
    this.stopWaiting();
    if (!this.port.presence.enter(principal, this))
      return this.close(CLOSE.tooMany, 'too many connections of this account');
    this.send(control('ready'));
  }

  private async subscribe(chatId: string | null, since: number | undefined): Promise<void> {
    const { accountId } = this.principal!;
    const standing = await this.port.count(accountId);
    if (standing?.allowed === false) return this.fail(tooManyRequests(standing));
    if (chatId === null) return this.followAccount(await this.port.accounts.find(accountId), since);
    const found = await this.port.feeds.find(accountId, chatId);
    if (!this.isOpen) return;
    if (found) this.follow(found, chatId, since);
    else this.fail(NOT_FOUND);
  }

  private followAccount(found: FollowTarget, since: number | undefined): void {
    if (!this.isOpen) return;
    const old = this.subscriptions.get(ACCOUNT);
    if (!old && !this.hasPlace()) return this.fail(TOO_MANY);
    this.send(control('subscribed', subscribedOf(found, since)));
    if (old && since === undefined) return;
    const subscription = this.port.accounts.subscribe(found, this, since ?? found.eventSeq);
    this.begin(ACCOUNT, { subscription, chatIds: [] });
  }

  private follow(found: ConversationHead, chatId: string, since: number | undefined): void {
    const old = this.subscriptions.get(found.rootChatId);
    if (!old && !this.hasPlace()) return this.fail(TOO_MANY);
    this.send(control('subscribed', { chat_id: chatId, seq: found.eventSeq }));
    const chatIds = [...(old?.chatIds.filter((id) => id !== chatId) ?? []), chatId].slice(
      -CHAT_IDS_MAX,
    );
    if (old && since === undefined) return void (old.chatIds = chatIds);
    const subscription = this.port.feeds.subscribe(found, this, since ?? found.eventSeq);
    this.begin(found.rootChatId, { subscription, chatIds });
  }

  private begin(key: string, named: NamedSubscription): void {
    this.subscriptions.get(key)?.subscription.close();
    this.subscriptions.set(key, named);
    named.subscription.resume();
  }

  private unsubscribe(chatId: string | null): void {
    if (chatId === null) return this.drop(ACCOUNT);
    for (const [rootChatId, { chatIds }] of this.subscriptions) {
      if (chatIds.includes(chatId) || rootChatId === chatId) this.drop(rootChatId);
    }
  }

  /** Deleted conversations are kept for their restoring, and make place for living ones. */
  private hasPlace(): boolean {
    if (this.subscriptions.size < SUBSCRIPTIONS_MAX) return true;
    for (const [rootChatId, { subscription }] of this.subscriptions)
      if (subscription.isDeleted) this.drop(rootChatId);
    return this.subscriptions.size < SUBSCRIPTIONS_MAX;
  }

  private drop(key: string): void {
    this.subscriptions.get(key)?.subscription.close();
    this.subscriptions.delete(key);
  }

  private fail(fault: Fault): void {
    this.send(control('error', fault));
  }

  private send(frame: string): void {
    if (this.hasRoom()) this.socket.send(frame);
  }

  /** Whoever lets more than a mebibyte pile up is closed, and comes back with `since`. */
  private hasRoom(): boolean {
    if (!this.isOpen) return false;
    if (this.socket.bufferedAmount <= BUFFERED_BYTES_MAX) return true;
    this.close(CLOSE.tryAgainLater, 'reads too slowly');
    return false;
  }

  private close(code: number, reason: string): void {
    this.socket.close(code, reason);
    this.dispose();
  }

  /** Idempotent. At once, and not when the good-bye of a slow reader has come. */
  private dispose(): void {
    this.stopWaiting();
    this.tray?.close();
    for (const { subscription } of this.subscriptions.values()) subscription.close();
    this.subscriptions.clear();
    if (this.principal) this.port.presence.leave(this.principal, this);
  }
}

const tooManyRequests = ({ resetSeconds }: RateStanding): Fault => ({
  code: 'rate_limited',
  message: `Too many requests. Try again in ${resetSeconds} s.`,
});

interface NamedSubscription {
  subscription: Subscription;
  /** The chats by which the client named the conversation. */
  chatIds: readonly string[];
}
