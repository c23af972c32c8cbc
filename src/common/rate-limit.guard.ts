import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import './principal.js';
import { addressKey, LIMITED_BY_ADDRESS, type Policy, policyHeader, standingHeader, tooMany } from './rate-limit.js';
import { RateLimiter } from './rate-limiter.js';

/** Counts requests by account, and by address on the public routes that ask for it; the rest (health, docs) is free. Runs after the auth guard. */
@Injectable()
export class RateLimitGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly limiter: RateLimiter,
  ) {}

  /** @throws `rate_limited` */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const [policy, key] = this.ruleFor(request, context);
    const standing = policy && (await this.limiter.take(policy, key));
    if (!policy || !standing) return true;
    const reply = context.switchToHttp().getResponse<FastifyReply>();
    reply.header('ratelimit-policy', policyHeader(policy)).header('ratelimit', standingHeader(policy, standing));
    if (standing.allowed) return true;
    throw tooMany(policy, standing);
  }

  private ruleFor({ principal, ip }: FastifyRequest, context: ExecutionContext): [Policy | null, string] {
    if (principal) return [this.limiter.account, principal.accountId];
    const limited = this.reflector.getAllAndOverride<boolean>(LIMITED_BY_ADDRESS, [context.getHandler(), context.getClass()]);
    return limited ? [this.limiter.address, addressKey(ip)] : [null, ''];
  }
}
