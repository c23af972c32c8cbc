import { Injectable, type OnModuleInit } from '@nestjs/common';
import { problems } from '../../common/problems.js';
import { RateLimiter } from '../../common/rate-limiter.js';
import { type Upgrade, Upgrades } from '../../common/upgrades.js';
import { bearerToken } from '../auth/bearer.js';
import { Tickets } from '../auth/tickets.service.js';
import { Connection, type ConnectionPort } from './connection.js';
import { FeedsService } from './feeds.service.js';
import { Presence } from '../auth/presence.service.js';

/** `/api/v1/ws`. `asyncapi.yaml` describes what is said there. */
@Injectable()
export class SocketsGateway implements OnModuleInit {
  private readonly port: ConnectionPort;

  constructor(
    private readonly upgrades: Upgrades,
    feeds: FeedsService,
    private readonly presence: Presence,
    tickets: Tickets,
    private readonly limiter: RateLimiter,
  ) {
    this.port = {
      feeds,
      accounts: feeds.accounts,
      presence,
      authenticate: (token) => tickets.authenticate(token),
      count: (accountId) => limiter.take(limiter.account, accountId),
    };
  }

  onModuleInit(): void {
    this.upgrades.handle(/^\/api\/v1\/ws$/, (upgrade) => this.accept(upgrade));
  }

  /**
   * Everybody is let in and has to show a token: a page cannot read the status of a refused
   * upgrade, but it can read a close code.
   * @throws rate_limited when too many have not shown one yet
   */
  private accept({ request, authorization, accept }: Upgrade): void {
    const address = request.socket.remoteAddress;
    const known = this.presence.strangers.enter(address ?? '');
    if (!known)
      throw problems.rateLimited({
        detail: 'Too many sockets without a good token.',
        headers: { 'retry-after': '5' },
      });
    // Of the connection, since a handshake that fails makes no WebSocket.
    request.socket.once('close', known);
    const token =
      authorization === undefined ? ticketOf(request.url) : (bearerToken(authorization) ?? '');
    new Connection(accept(), request.socket, this.port, {
      token,
      known,
      refused: () => void this.refuse(address),
    });
  }

  /** Counts a bad token like that of a request. */
  private async refuse(address: string | undefined): Promise<void> {
    const key = this.presence.strangers.keyOf(address);
    const standing = key && (await this.limiter.take(this.limiter.stranger, key));
    if (key && standing && !standing.allowed)
      this.presence.strangers.bar(key, standing.resetSeconds);
  }
}

/** Of the upgrade of a page, which can send no header. */
const ticketOf = (url = ''): string | undefined =>
  new URLSearchParams(url.split('?', 2)[1]).get('ticket') ?? undefined;
