import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import '../../common/principal.js';
import {
  addressKey,
  type Policy,
  policyHeader,
  standingHeader,
  tooMany,
} from '../../common/rate-limit.js';
import { RateLimiter } from '../../common/rate-limiter.js';
import { Authenticator } from './authenticator.service.js';
import { bearerToken, unauthorized } from './bearer.js';
import type { Principal } from '../../common/principal.js';
import { FREE_ROUTES, PUBLIC_ROUTES, SIGN_IN_ROUTES, TICKET_ROUTES } from './public-routes.js';
import { Tickets } from './tickets.service.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Only says which methods there are: who asks does not matter. */
    answersAnybody?: boolean;
  }
}

const isFree = new Set(FREE_ROUTES);
const isSignIn = new Set(SIGN_IN_ROUTES);
const isPublic = new Set(PUBLIC_ROUTES);
const takesTickets = new Set(TICKET_ROUTES);

/**
 * Stands before every route of the server: who are you, then: not so fast. It looks at the headers
 * alone, so the body of a request that is refused is never read. Requests are counted by account;
 * those without a good token, and to public routes, by address.
 */
@Injectable()
export class Doorkeeper {
  constructor(
    private readonly authenticator: Authenticator,
    private readonly limiter: RateLimiter,
    private readonly tickets: Tickets,
  ) {}

  /**
   * Lets a request in, and notes on it who asks (`request.principal`).
   * @throws unauthorized, rate_limited; and what PostgreSQL throws while it is away, which becomes
   * a 503
   */
  async admit(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { is404, routeOptions, headers } = request;
    // What is not there is told to anybody: 404 and 405 go before 401.
    if (is404 || routeOptions.url === '*' || routeOptions.config.answersAnybody) return;
    const route = routeNameOf(request);
    if (isFree.has(route)) return;
    if (isPublic.has(route))
      return this.count(
        reply,
        isSignIn.has(route) ? this.limiter.address : this.limiter.stranger,
        addressKey(request.ip),
      );
    const principal = await this.principalOf(request);
    if (!principal) {
      await this.count(reply, this.limiter.stranger, addressKey(request.ip));
      throw unauthorized(headers.authorization !== undefined);
    }
    request.principal = principal;
    await this.count(reply, this.limiter.account, principal.accountId);
  }

  /** By the token or, where a page can send none, by a ticket. */
  private principalOf(request: FastifyRequest): Principal | null | Promise<Principal | null> {
    const { authorization } = request.headers;
    const { ticket } = request.query as { ticket?: unknown };
    // A HEAD opens nothing, and uses nothing up.
    if (
      authorization === undefined &&
      typeof ticket === 'string' &&
      request.method === 'GET' &&
      takesTickets.has(routeNameOf(request))
    )
      return this.tickets.take(ticket);
    const token = bearerToken(authorization);
    return token === null ? null : this.authenticator.authenticate(token);
  }

  private async count(reply: FastifyReply, policy: Policy, key: string): Promise<void> {
    const standing = await this.limiter.take(policy, key);
    if (!standing) return;
    if (!standing.allowed) throw tooMany(policy, standing);
    reply
      .header('ratelimit-policy', policyHeader(policy))
      .header('ratelimit', standingHeader(policy, standing));
  }
}

/** The pages of Swagger UI count as one; Fastify makes a HEAD of every GET. */
const routeNameOf = ({ method, routeOptions: { url = '' } }: FastifyRequest): string =>
  `${method === 'HEAD' ? 'GET' : method} ${url.startsWith('/docs') ? '/docs' : url}`;
