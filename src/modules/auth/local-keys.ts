import { createHmac, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { problems } from '../../common/problems.js';
import { Config } from '../../config/config.js';

const TAG_BYTES = 16;

/**
 * The keys that come from JWT_SECRET. Without it (then JWKS_URI is set) this server makes no tokens
 * of its own.
 */
@Injectable()
export class LocalKeys {
  /**
   * Signs access tokens (HS256). A KeyObject, never the string: jsonwebtoken takes 300 µs to turn a
   * string into a key, at every call.
   */
  readonly signing: KeyObject | null;

  private readonly successors: Buffer | null;
  private readonly tags: Buffer | null;

  constructor({ JWT_SECRET }: Config) {
    this.signing = JWT_SECRET ? createSecretKey(Buffer.from(JWT_SECRET, 'utf8')) : null;
    this.successors = derivedKey(this.signing, 'banyan refresh successor v1');
    this.tags = derivedKey(this.signing, 'banyan tags v1');
  }

  /** @throws `route_not_found` where accounts come from the outside issuer alone. */
  requireLocalAccounts(): void {
    if (!this.signing)
      throw problems.routeNotFound({
        detail: 'This server takes the tokens of an outside issuer; it has no sign-in of its own.',
      });
  }

  /**
   * The secret (256 bits) of the refresh token that follows `token`. Derived, not random: a client
   * that lost the answer asks again and gets the same successor, though no secret is stored
   * anywhere.
   */
  successorSecret(token: string): Buffer {
    if (!this.successors) throw problems.routeNotFound();
    return createHmac('sha256', this.successors).update(token).digest();
  }

  /**
   * 128 bits that stand for a text (an address, an e-mail) where it is only compared: who reads
   * them without the key learns nothing of it.
   */
  tagOf(text: string): Buffer {
    if (!this.tags) throw problems.routeNotFound();
    return createHmac('sha256', this.tags).update(text).digest().subarray(0, TAG_BYTES);
  }
}

const derivedKey = (key: KeyObject | null, purpose: string): Buffer | null =>
  key && Buffer.from(hkdfSync('sha256', key, '', purpose, 32));
