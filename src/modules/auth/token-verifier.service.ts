import { Injectable } from '@nestjs/common';
import type { Principal } from '../../common/principal.js';
import { Config } from '../../config/config.js';
import { AccountsService } from './accounts.service.js';
import { ApiKeysService } from './api-keys.service.js';
import { JwtStrategy } from './jwt.strategy.js';
import { claimedIssuer } from './jwt-claims.js';
import { OutsideJwtStrategy, type OutsideSubject } from './outside-jwt.strategy.js';
import { runStrategy } from './run-strategy.js';

/** Finds out what kind of bearer token it is, and verifies it from the ground up. */
@Injectable()
export class TokenVerifier {
  private readonly outsideIssuer: string | undefined;

  constructor(
    config: Config,
    private readonly apiKeys: ApiKeysService,
    private readonly accounts: AccountsService,
    private readonly local: JwtStrategy,
    private readonly outside: OutsideJwtStrategy,
  ) {
    this.outsideIssuer = config.JWKS_URI && config.JWKS_ISSUER;
  }

  /**
   * Answers null for a token that is refused. Whether its sign-in was ended is not looked at.
   * @throws while PostgreSQL, or the issuer at the first use, is away
   */
  async verify(token: string): Promise<Principal | null> {
    if (token.startsWith('bak_')) return this.apiKeys.authenticate(token);
    if (this.outsideIssuer !== undefined && claimedIssuer(token) === this.outsideIssuer)
      return this.verifyOutside(token);
    return runStrategy<Principal>(this.local, token);
  }

  private async verifyOutside(token: string): Promise<Principal | null> {
    const found = await runStrategy<OutsideSubject>(this.outside, token);
    return found && { accountId: await this.accounts.provision(found), expiresAt: found.expiresAt };
  }
}
