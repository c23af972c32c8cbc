import { Injectable } from '@nestjs/common';
import { addressKey, tooMany } from '../../common/rate-limit.js';
import { RateLimiter } from '../../common/rate-limiter.js';
import { LocalKeys } from './local-keys.js';
import { RefreshTokensService } from './refresh-tokens.service.js';

/**
 * Where a password is tried: the e-mail as it was sent, the account if there is one, and the
 * address that it comes from.
 */
export interface Guess {
  email: string;
  accountId: string | null;
  ip: string;
}

/**
 * Stands for the account where there is none, so that an unknown e-mail takes as many statements as
 * a known one.
 */
const NOBODY = '00000000-0000-0000-0000-000000000000';

/**
 * Passwords that are tried, counted for each account (NIST 800-63B-4, 3.2.2): who guesses from many
 * addresses is slowed like who guesses from one. Addresses that the account has signed in from are
 * counted apart, each for itself, so that strangers cannot keep its owner out.
 */
@Injectable()
export class Guesses {
  constructor(
    private readonly limiter: RateLimiter,
    private readonly refreshTokens: RefreshTokensService,
    private readonly keys: LocalKeys,
  ) {}

  /**
   * Counts a guess before it is looked at; answers what `forgive` wants when it was right.
   * @throws `rate_limited`, alike for e-mails that have an account and those that have none
   */
  async count({ email, accountId, ip }: Guess): Promise<string> {
    const isFamiliar = await this.refreshTokens.cameFrom(accountId ?? NOBODY, ip);
    const key = this.keys
      .tagOf(isFamiliar ? `${email} ${addressKey(ip)}` : email)
      .toString('base64url');
    const policy = this.limiter.password;
    const standing = await this.limiter.take(policy, key);
    if (standing && !standing.allowed)
      throw tooMany(policy, standing, 'Too many passwords were tried for this e-mail address.');
    return key;
  }

  /** A right password was no guess, and so were the typing errors before it. */
  forgive(key: string): Promise<void> {
    return this.limiter.forget(this.limiter.password, key);
  }
}
