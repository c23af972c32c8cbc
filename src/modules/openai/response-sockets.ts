import { Injectable, type OnModuleInit } from '@nestjs/common';
import { CHAT_BOUNDS } from '../../common/json-body.js';
import type { Principal } from '../../common/principal.js';
import { problems } from '../../common/problems.js';
import type { Policy } from '../../common/rate-limit.js';
import { RateLimiter } from '../../common/rate-limiter.js';
import { type Upgrade, Upgrades } from '../../common/upgrades.js';
import { Authenticator } from '../auth/authenticator.service.js';
import { bearerToken, unauthorized } from '../auth/bearer.js';
import { type Guest, Presence, tooManyConnections } from '../auth/presence.service.js';
import { ResponseConnection } from './response-connection.js';
import { ResponseFrames } from './response-frames.service.js';

const PATH = /^\/v1\/responses$/;

/**
 * `WS /v1/responses`, whose frames may be as long as bodies to that path. All refusals are HTTP
 * answers before the upgrade.
 */
@Injectable()
export class ResponseSockets implements OnModuleInit {
  constructor(
    private readonly upgrades: Upgrades,
    private readonly authenticator: Authenticator,
    private readonly presence: Presence,
    private readonly limiter: RateLimiter,
    private readonly frames: ResponseFrames,
  ) {}

  onModuleInit(): void {
    this.upgrades.handle(PATH, (upgrade) => this.connect(upgrade), CHAT_BOUNDS.bytes);
  }

  private async connect(upgrade: Upgrade): Promise<void> {
    const principal = await this.principalOf(upgrade);
    await this.count(this.limiter.account, principal.accountId);
    let connection: ResponseConnection | undefined;
    const guest: Guest = { expel: () => connection?.endToken() };
    if (!this.presence.enter(principal, guest)) throw tooManyConnections();
    const leave = (): void => this.presence.leave(principal, guest);
    try {
      const socket = upgrade.accept();
      socket.on('close', leave);
      connection = new ResponseConnection(socket, this.frames, {
        accountId: principal.accountId,
        admit: () => this.admit(principal),
      });
    } catch (error) {
      leave();
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

  /** Each frame is a request. @throws unauthorized, rate_limited */
  private async admit(principal: Principal): Promise<void> {
    if (!(await this.authenticator.isLive(principal))) throw unauthorized(true);
    await this.count(this.limiter.account, principal.accountId);
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
