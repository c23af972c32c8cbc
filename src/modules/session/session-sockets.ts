import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { Principal } from '../../common/principal.js';
import { checkedName } from '../../common/name.js';
import { problems } from '../../common/problems.js';
import type { Policy } from '../../common/rate-limit.js';
import { RateLimiter } from '../../common/rate-limiter.js';
import { type Upgrade, Upgrades } from '../../common/upgrades.js';
import { Authenticator } from '../auth/authenticator.service.js';
import { bearerToken, unauthorized } from '../auth/bearer.js';
import { type Guest, Presence, tooManyConnections } from '../auth/presence.service.js';
import { ChatSessionsService } from './chat-sessions.service.js';
import { SessionConnection } from './session-connection.js';
import type { Tell } from './session-feed.js';
import type { SessionKey } from './session-store.js';

const PATH = /^\/v1\/chat\/sessions\/(?<session_id>[^/]+)\/ws$/;

/** `WS /v1/chat/sessions/{session_id}/ws`. All refusals are HTTP answers before the upgrade. */
@Injectable()
export class SessionSockets implements OnModuleInit {
  constructor(
    private readonly upgrades: Upgrades,
    private readonly authenticator: Authenticator,
    private readonly sessions: ChatSessionsService,
    private readonly presence: Presence,
    private readonly limiter: RateLimiter,
  ) {}

  onModuleInit(): void {
    this.upgrades.handle(PATH, (upgrade) => this.connect(upgrade));
  }

  private async connect(upgrade: Upgrade): Promise<void> {
    const principal = await this.principalOf(upgrade);
    await this.count(this.limiter.account, principal.accountId);
    const key = {
      accountId: principal.accountId,
      sessionId: checkedName('session_id', upgrade.params['session_id']!),
    };
    let connection: SessionConnection | undefined;
    const guest: Guest = { expel: () => connection?.endToken() };
    if (!this.presence.enter(principal, guest)) throw tooManyConnections();
    // Watched before it is read: nothing can happen unseen in between.
    const feed = this.sessions.follow(key, ((event, data) =>
      connection?.send(event, data)) as Tell);
    const leave = (): void => {
      feed.end();
      this.presence.leave(principal, guest);
    };
    try {
      const session = await feed.sync();
      const socket = upgrade.accept();
      socket.on('close', leave);
      connection = new SessionConnection(socket, (body) => this.post(principal, key, body));
      void connection.follow(feed, session);
    } catch (error) {
      if (!connection) leave();
      throw error;
    }
  }

  private async principalOf({ authorization, request }: Upgrade): Promise<Principal> {
    const token = bearerToken(authorization);
    const principal = token === null ? null : await this.authenticator.authenticate(token);
    if (principal) return principal;
    const address = this.presence.strangers.keyOf(request.socket.remoteAddress);
    if (address !== null) await this.count(this.limiter.stranger, address);
    throw unauthorized(authorization !== undefined);
  }

  private async post(
    principal: Principal,
    key: SessionKey,
    body: Parameters<ChatSessionsService['append']>[1],
  ): Promise<void> {
    if (!(await this.authenticator.isLive(principal))) throw unauthorized(true);
    await this.count(this.limiter.account, principal.accountId);
    await this.sessions.append(key, body);
  }

  /** One request. @throws rate_limited */
  private async count(policy: Policy, key: string): Promise<void> {
    const standing = await this.limiter.take(policy, key);
    if (!standing || standing.allowed) return;
    const { resetSeconds } = standing;
    throw problems.rateLimited({
      detail: `Too many requests. Try again in ${resetSeconds} s.`,
      headers: { 'retry-after': String(resetSeconds) },
    });
  }
}
