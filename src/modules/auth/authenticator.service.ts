import { hash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { atMost } from '../../common/at-most.js';
import type { Principal } from '../../common/principal.js';
import { Clock } from './clock.js';
import { LivenessService } from './liveness.service.js';
import { TokenVerifier } from './token-verifier.service.js';

/** How long a verified token need not be verified again. */
const VERIFIED_MS = 60_000;
const VERIFIED_MAX = 50_000;

interface VerifiedToken {
  principal: Principal;
  untilMs: number;
}

/**
 * Answers who a bearer token speaks for: for the HTTP guard, and for sockets that bring it in a
 * frame. A token that was seen within the last minute costs a hash and two look-ups (2 µs), nothing
 * asynchronous.
 */
@Injectable()
export class Authenticator {
  // Keyed by hash: the memory of the process, and a dump of it, then holds no token that could be
  // used.
  private readonly verified = new LRUCache<string, VerifiedToken>(atMost(VERIFIED_MAX));

  constructor(
    private readonly verifier: TokenVerifier,
    private readonly liveness: LivenessService,
    private readonly clock: Clock,
  ) {}

  /**
   * Answers null for a token that is refused, for whatever reason; at once where it is known, else
   * as a promise.
   * @throws (rejects) while PostgreSQL is away and the token is not known
   */
  authenticate(token: string): Principal | null | Promise<Principal | null> {
    const key = hash('sha256', token, 'base64');
    const known = this.verified.get(key);
    if (!known || known.untilMs <= this.clock.now()) return this.verify(token, key);
    const live = this.liveness.isLive(known.principal);
    if (live === true) return known.principal;
    return live === false ? null : live.then((alive) => (alive ? known.principal : null));
  }

  /**
   * Whether a principal still stands: its token has not ended, nor its sign-in, API key or account.
   * For connections that outlive a request.
   */
  async isLive(principal: Principal): Promise<boolean> {
    if (principal.expiresAt !== null && principal.expiresAt <= this.clock.now()) return false;
    return this.liveness.isLive(principal);
  }

  private async verify(token: string, key: string): Promise<Principal | null> {
    const principal = await this.verifier.verify(token);
    if (!principal || !(await this.isLive(principal))) return null;
    const untilMs = Math.min(this.clock.now() + VERIFIED_MS, principal.expiresAt ?? Infinity);
    this.verified.set(key, { principal, untilMs });
    return principal;
  }
}
