import { createPublicKey, type KeyObject } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import jwksRsa from 'jwks-rsa';
import { problems } from '../../common/problems.js';
import { Config } from '../../config/config.js';
import { Clock } from './clock.js';

/** Keys are asked for again after this time, so that a key the issuer withdrew ends here too. */
const FRESH_MS = 10 * 60_000;
/**
 * An unknown `kid` asks for the keys at most this often: made-up tokens must not turn us against
 * the issuer.
 */
const COOL_DOWN_MS = 5000;
const FETCH_TIMEOUT_MS = 3000;

interface OutsideKey {
  kid: string | undefined;
  key: KeyObject;
}

/**
 * The public keys of the outside issuer, read from JWKS_URI alone. Keys that were read stay good
 * while the issuer is away. (The cache of jwks-rsa holds single keys and forgets them on time even
 * when the issuer is away; its rate limit can be used up by strangers.)
 */
@Injectable()
export class OutsideKeys {
  private readonly logger = new Logger('Auth');
  private readonly client: jwksRsa.JwksClient | null;
  private keys: OutsideKey[] | null = null;
  private askedAt = -Infinity;
  private pending: Promise<void> | null = null;

  constructor(
    { JWKS_URI: jwksUri }: Config,
    private readonly clock: Clock,
  ) {
    this.client = jwksUri ? jwksRsa({ jwksUri, cache: false, timeout: FETCH_TIMEOUT_MS }) : null;
  }

  /**
   * The key that a token's `kid` names; without a `kid` the only key there is. Null when there is
   * none.
   * @throws `store_unavailable` while no keys were ever read
   */
  async find(kid: string | undefined): Promise<KeyObject | null> {
    if (this.ageMs() > FRESH_MS) await this.reload();
    const known = this.pick(kid);
    if (known) return known;
    if (this.ageMs() > COOL_DOWN_MS || this.pending) await this.reload();
    if (!this.keys)
      throw problems.storeUnavailable({
        detail: 'The keys of the token issuer cannot be read.',
        headers: { 'retry-after': '5' },
      });
    return this.pick(kid);
  }

  private pick(kid: string | undefined): KeyObject | null {
    const keys = this.keys ?? [];
    if (kid === undefined) return keys.length === 1 ? (keys[0] as OutsideKey).key : null;
    return keys.find((known) => known.kid === kid)?.key ?? null;
  }

  private reload(): Promise<void> {
    this.pending ??= this.load().finally(() => (this.pending = null));
    return this.pending;
  }

  private async load(): Promise<void> {
    this.askedAt = this.clock.now();
    try {
      const found = (await this.client?.getSigningKeys()) ?? [];
      this.keys = found.map((jwk) => ({ kid: jwk.kid, key: createPublicKey(jwk.getPublicKey()) }));
    } catch (error) {
      this.logger.warn({
        message: 'keys of the token issuer cannot be read',
        cause: String(error),
      });
    }
  }

  private ageMs(): number {
    return this.clock.now() - this.askedAt;
  }
}
