import { Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import { Strategy } from 'passport-jwt';
import { isUuid } from '../../common/ids.js';
import type { Principal } from '../../common/principal.js';
import { ACCESS_TOKEN_TYPE, BANYAN } from './access-tokens.service.js';
import { claimsOf, type VerifiedJwt } from './jwt-claims.js';
import { LocalKeys } from './local-keys.js';
import { bearerOf } from './run-strategy.js';

type KeyCallback = (error: Error | null, key?: never) => void;

/**
 * Verifies our own access tokens. One algorithm, one key; whatever the token's header says about
 * keys is not read.
 */
@Injectable()
export class JwtStrategy extends PassportStrategy(Strategy, 'jwt') {
  constructor(keys: LocalKeys) {
    super({
      jwtFromRequest: bearerOf,
      secretOrKeyProvider: (_request: unknown, _token: unknown, done: KeyCallback) =>
        keys.signing ? done(null, keys.signing as never) : done(new Error('no JWT_SECRET')),
      algorithms: ['HS256'],
      issuer: BANYAN,
      audience: BANYAN,
      jsonWebTokenOptions: { complete: true },
    });
  }

  /**
   * Called with a token whose signature, times, issuer and audience are right; checks the rest of
   * RFC 9068.
   */
  validate(jwt: VerifiedJwt): Principal | null {
    const claims = claimsOf(jwt);
    if (!claims || jwt.header.typ !== ACCESS_TOKEN_TYPE) return null;
    const { sub, sid, jti, iat, exp } = claims;
    if (
      !isUuid(sub) ||
      !isUuid(sid) ||
      typeof jti !== 'string' ||
      typeof iat !== 'number' ||
      typeof exp !== 'number'
    )
      return null;
    return { accountId: sub, sessionId: sid, expiresAt: exp * 1000 };
  }
}
