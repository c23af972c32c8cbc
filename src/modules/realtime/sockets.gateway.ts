import { Injectable, type OnModuleInit } from '@nestjs/common';
import { type Upgrade, Upgrades } from '../../common/upgrades.js';
import { Authenticator } from '../auth/authenticator.service.js';
import { bearerToken } from '../auth/bearer.js';
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
    presence: Presence,
    authenticator: Authenticator,
  ) {
    this.port = { feeds, presence, authenticate: (token) => authenticator.authenticate(token) };
  }

  onModuleInit(): void {
    this.upgrades.handle(/^\/api\/v1\/ws$/, (upgrade) => this.accept(upgrade));
  }

  /** Everybody is let in and has to show a token: a page cannot read the status of a refused upgrade, but it can read a close code. */
  private accept({ request, authorization, accept }: Upgrade): void {
    const token = authorization === undefined ? undefined : (bearerToken(authorization) ?? '');
    new Connection(accept(), request.socket, this.port, token);
  }
}
