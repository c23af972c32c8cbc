import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import type { Principal } from '../../common/principal.js';
import { checkedName } from '../../common/name.js';
import { problems } from '../../common/problems.js';
import { RateLimiter } from '../../common/rate-limiter.js';
import { type Upgrade, Upgrades } from '../../common/upgrades.js';
import { Authenticator } from '../auth/authenticator.service.js';
import { bearerToken, unauthorized } from '../auth/bearer.js';
import { ChatSessionsService } from './chat-sessions.service.js';
import { SessionConnection } from './session-connection.js';
import { SessionFeed, type Tell } from './session-feed.js';
import { type SessionKey, SessionStore } from './session-store.js';

const PATH = /^\/v1\/chat\/sessions\/(?<session_id>[^/]+)\/ws$/;
/** In this process. */
const SOCKETS_PER_ACCOUNT_MAX = 100;
/** How often it is asked whether the tokens of open sockets still stand; an expired one is noticed at once. */
const RECHECK_MS = 5000;

/** `WS /v1/chat/sessions/{session_id}/ws`. All refusals are HTTP answers before the upgrade. */
@Injectable()
export class SessionSockets implements OnModuleInit, OnModuleDestroy {
  private readonly open = new Set<SessionConnection>();
  /** Sockets of each account, with those that are just being opened. */
  private readonly counts = new Map<string, number>();
  private limiter!: RateLimiter;
  private recheck: NodeJS.Timeout | undefined;

  constructor(
    private readonly upgrades: Upgrades,
    private readonly authenticator: Authenticator,
    private readonly sessions: ChatSessionsService,
    private readonly store: SessionStore,
    private readonly modules: ModuleRef,
  ) {}

  onModuleInit(): void {
    // The auth module does not export it; upgrades, and posts by socket, must count like requests all the same.
    this.limiter = this.modules.get(RateLimiter, { strict: false });
    this.upgrades.handle(PATH, (upgrade) => this.connect(upgrade));
    this.recheck = setInterval(() => void this.closeEnded(), RECHECK_MS).unref();
  }

  /** The sockets themselves are closed by `Upgrades`. */
  onModuleDestroy(): void {
    clearInterval(this.recheck);
  }

  private async connect(upgrade: Upgrade): Promise<void> {
    const principal = await this.principalOf(upgrade);
    await this.count(principal.accountId);
    const key = { accountId: principal.accountId, sessionId: checkedName('session_id', upgrade.params['session_id']!) };
    this.enter(key.accountId);
    let connection: SessionConnection | undefined;
    // Watched before it is read: nothing can happen unseen in between.
    const feed = new SessionFeed(this.store, key, ((event, data) => connection?.send(event, data)) as Tell);
    const leave = (): void => {
      feed.end();
      this.leave(key.accountId);
      if (connection) this.open.delete(connection);
    };
    try {
      const session = await feed.sync();
      const socket = upgrade.accept();
      socket.on('close', leave);
      connection = new SessionConnection(principal, socket, (body) => this.post(principal, key, body));
      this.open.add(connection);
      void connection.follow(feed, session);
    } catch (error) {
      if (!connection) leave();
      throw error;
    }
  }

  private async principalOf({ authorization }: Upgrade): Promise<Principal> {
    const token = bearerToken(authorization);
    const principal = token === null ? null : await this.authenticator.authenticate(token);
    if (!principal) throw unauthorized(authorization !== undefined);
    return principal;
  }

  private async post(principal: Principal, key: SessionKey, body: Parameters<ChatSessionsService['append']>[1]): Promise<void> {
    if (!(await this.authenticator.isLive(principal))) throw unauthorized(true);
    await this.count(principal.accountId);
    await this.sessions.append(key, body);
  }

  /** One request of the account. @throws rate_limited */
  private async count(accountId: string): Promise<void> {
    const standing = await this.limiter.take(this.limiter.account, accountId);
    if (!standing || standing.allowed) return;
    const { resetSeconds } = standing;
    throw problems.rateLimited({
      detail: `Too many requests. Try again in ${resetSeconds} s.`,
      headers: { 'retry-after': String(resetSeconds) },
    });
  }

  private enter(accountId: string): void {
    const count = this.counts.get(accountId) ?? 0;
    if (count >= SOCKETS_PER_ACCOUNT_MAX) {
      const detail = `An account has at most ${SOCKETS_PER_ACCOUNT_MAX} sockets on its sessions at once.`;
      throw problems.rateLimited({ detail, headers: { 'retry-after': '5' } });
    }
    this.counts.set(accountId, count + 1);
  }

  private leave(accountId: string): void {
    const count = this.counts.get(accountId)! - 1;
    if (count > 0) this.counts.set(accountId, count);
    else this.counts.delete(accountId);
  }

  private async closeEnded(): Promise<void> {
    for (const connection of this.open) {
      // While PostgreSQL is away nobody knows, and nobody is closed for it.
      const live = await this.authenticator.isLive(connection.principal).catch(() => true);
      if (!live) connection.endToken();
    }
  }
}
