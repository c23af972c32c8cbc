import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import { Config } from '../../config/config.js';
import { Clock } from './clock.js';
import { LocalKeys } from './local-keys.js';

/** `iss` and `aud` of our own access tokens. */
export const BANYAN = 'banyan';

/** `typ` of an access token (RFC 9068), so that no other kind of token can be taken for one. */
export const ACCESS_TOKEN_TYPE = 'at+jwt';

/** Signs access tokens: short-lived JWTs that name an account (`sub`) and a sign-in (`sid`). */
@Injectable()
export class AccessTokensService {
  readonly ttlSeconds: number;

  constructor(
    config: Config,
    private readonly jwt: JwtService,
    private readonly keys: LocalKeys,
    private readonly clock: Clock,
  ) {
    this.ttlSeconds = config.ACCESS_TOKEN_TTL_SECONDS;
  }

  issue(accountId: string, familyId: string): string {
    const iat = Math.floor(this.clock.now() / 1000);
    const claims = {
      iss: BANYAN,
      aud: BANYAN,
      sub: accountId,
      sid: familyId,
      jti: randomUUID(),
      iat,
      exp: iat + this.ttlSeconds,
    };
    // The package's types know strings and Buffers only; jsonwebtoken itself wants the KeyObject.
    return this.jwt.sign(claims, {
      secret: this.keys.signing as never,
      algorithm: 'HS256',
      header: { alg: 'HS256', typ: ACCESS_TOKEN_TYPE },
    });
  }
}
