import type { KeyObject } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import { Strategy } from 'passport-jwt';
import { Config } from '../../config/config.js';
import { claimsOf, type VerifiedJwt } from './jwt-claims.js';
import { OutsideKeys } from './outside-keys.js';
import { bearerOf } from './run-strategy.js';

/** Who a token of the outside issuer speaks of. */
export interface OutsideSubject {
  issuer: string;
  subject: string;
  name: string | null;
  /** Milliseconds since 1970. */
  expiresAt: number;
}

type KeyCallback = (error: unknown, key?: never) => void;

const SUBJECT_CHARS_MAX = 255;
const NAME_CHARS_MAX = 200;

/**
 * Verifies tokens of the outside issuer. RS256 and ES256 only: jsonwebtoken knows no EdDSA, and a
 * symmetric algorithm with a public key is the classic confusion. Keys come by `kid` from JWKS_URI;
 * `jku`, `jwk` and `x5u` of a token are not read.
 */
@Injectable()
export class OutsideJwtStrategy extends PassportStrategy(Strategy, 'outside-jwt') {
  constructor(config: Config, keys: OutsideKeys) {
    const { JWKS_URI, JWKS_ISSUER, JWKS_AUDIENCE } = config;
    // jsonwebtoken skips what it is not given: without an audience, tokens for every other service
    // of the issuer would pass.
    if (JWKS_URI && !(JWKS_ISSUER && JWKS_AUDIENCE))
      throw new Error('JWKS_URI needs JWKS_ISSUER and JWKS_AUDIENCE beside it.');
    super({
      jwtFromRequest: bearerOf,
      secretOrKeyProvider: (_request: unknown, token: string, done: KeyCallback) =>
        void giveKey(keys, token, done),
      algorithms: ['RS256', 'ES256'],
      issuer: JWKS_ISSUER ?? '',
      audience: JWKS_AUDIENCE ?? '',
      jsonWebTokenOptions: { complete: true },
    });
  }

  /** Called with a token whose signature, times, issuer and audience are right. */
  validate(jwt: VerifiedJwt): OutsideSubject | null {
    const claims = claimsOf(jwt);
    if (!claims) return null;
    const { iss, sub, exp, name } = claims;
    if (typeof iss !== 'string' || typeof exp !== 'number' || typeof sub !== 'string') return null;
    if (sub === '' || sub.length > SUBJECT_CHARS_MAX) return null;
    return { issuer: iss, subject: sub, name: presentable(name), expiresAt: exp * 1000 };
  }
}

async function giveKey(keys: OutsideKeys, token: string, done: KeyCallback): Promise<void> {
  try {
    const key: KeyObject | null = await keys.find(keyIdOf(token));
    if (key) done(null, key as never);
    else done(new Error('unknown key'));
  } catch (error) {
    done(error);
  }
}

/** @throws SyntaxError for a header that is not JSON */
function keyIdOf(token: string): string | undefined {
  const header = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as {
    kid?: unknown;
  } | null;
  return header?.kid === undefined ? undefined : String(header.kid);
}

/** A name claim as we keep names; null when it is none. */
function presentable(name: unknown): string | null {
  if (typeof name !== 'string' || name.includes('\0') || !name.isWellFormed()) return null;
  return [...name.trim()].slice(0, NAME_CHARS_MAX).join('') || null;
}
