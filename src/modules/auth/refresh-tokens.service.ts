import { Injectable, Logger } from '@nestjs/common';
import { FIRST_UUID, newId } from '../../common/ids.js';
import { problems } from '../../common/problems.js';
import { addressKey } from '../../common/rate-limit.js';
import { Config } from '../../config/config.js';
import { Database } from '../../database/database.js';
import type { Account } from './account.entity.js';
import { Clock } from './clock.js';
import { LivenessService } from './liveness.service.js';
import { LocalKeys } from './local-keys.js';
import { makeToken, readToken, type TokenRecord } from '../../common/opaque-token.js';
import { PasswordReset } from './password-reset.entity.js';
import { judgeRefusedToken, type TokenState } from './refresh-rules.js';
import {
  CAME_FROM,
  CHANGE_PASSWORD,
  FIND_TOKEN,
  LIST_FAMILIES,
  OPEN_FAMILY,
  REVOKE_FAMILY,
  REVOKE_OTHERS,
  ROTATE,
  type SignInRow,
} from './refresh-tokens.sql.js';

/** A sign-in and the one refresh token that is good for it now. */
export interface SignIn {
  accountId: string;
  familyId: string;
  refreshToken: string;
}

/** Where somebody signs in. */
export interface Device {
  ip: string;
  userAgent: string | null;
}

/** A new hash, and the one that it follows. */
export interface PasswordChange {
  accountId: string;
  passwordHash: string;
  newHash: string;
}

/** What a browser calls itself has some 120 characters; nobody reads more of it. */
const USER_AGENT_CHARS = 256;

/** Refresh tokens: made, exchanged once, and revoked by families (RFC 9700, 4.14). */
@Injectable()
export class RefreshTokensService {
  private readonly logger = new Logger('Auth');
  private readonly ttlMs: number;

  constructor(
    config: Config,
    private readonly database: Database,
    private readonly keys: LocalKeys,
    private readonly liveness: LivenessService,
    private readonly clock: Clock,
  ) {
    this.ttlMs = config.REFRESH_TOKEN_TTL_SECONDS * 1000;
  }

  /**
   * Starts a family, from a device; null when the account has another password by now than the
   * one that was checked.
   */
  async open(
    { accountId, passwordHash }: Account,
    { ip, userAgent }: Device,
  ): Promise<SignIn | null> {
    const familyId = newId();
    const refreshToken = makeToken('brt', accountId);
    const values = [
      accountId,
      familyId,
      this.now(),
      hashOf(refreshToken),
      this.expiry(),
      this.tagOf(ip),
      passwordHash,
      userAgent?.slice(0, USER_AGENT_CHARS) ?? null,
    ];
    const opened = await this.database.query(OPEN_FAMILY, values);
    return opened.length > 0 ? { accountId, familyId, refreshToken } : null;
  }

  /** Whether the account has signed in from this address, as far back as its sign-ins are kept. */
  async cameFrom(accountId: string, ip: string): Promise<boolean> {
    return (await this.database.query(CAME_FROM, [accountId, this.tagOf(ip)])).length > 0;
  }

  /**
   * Puts a new hash in the place of the one that was read, and ends all families, but one that is
   * kept. False when that hash is in its place no more, or the reset that allows it has ended.
   */
  async changePassword(
    { accountId, passwordHash, newHash }: PasswordChange,
    by: { keptFamilyId: string } | { resetHash: Buffer },
  ): Promise<boolean> {
    const resetHash = 'resetHash' in by ? by.resetHash : null;
    const kept = 'keptFamilyId' in by ? by.keptFamilyId : FIRST_UUID;
    const ended = await this.database.transaction(async (tx) => {
      const values = [accountId, newHash, passwordHash, resetHash, this.now()];
      const [, changed] = (await tx.query(CHANGE_PASSWORD, values)) as [unknown, number];
      if (changed === 0) return null;
      // A reset ends with the password that it was for.
      await tx.delete(PasswordReset, { accountId });
      const [families] = (await tx.query(REVOKE_OTHERS, [accountId, kept, this.now()])) as [
        { family_id: string }[],
      ];
      return families;
    });
    for (const { family_id: sessionId } of ended ?? []) this.liveness.end({ accountId, sessionId });
    return ended !== null;
  }

  /**
   * Exchanges a token for its successor. Until that one is used, the token gets the same again;
   * sent after that, its family is revoked.
   * @throws `invalid_refresh_token`
   */
  async rotate(token: string): Promise<SignIn> {
    const record = readToken('brt', token);
    if (!record) throw refused();
    const { accountId, hash } = record;
    const refreshToken = this.successorOf(token, accountId);
    const values = [accountId, hash, this.now(), hashOf(refreshToken), this.expiry()];
    const [used] = await this.database.query<{ family_id: string }>(ROTATE, values);
    const familyId = used?.family_id ?? (await this.repeatedFamily(record, hashOf(refreshToken)));
    return { accountId, familyId, refreshToken };
  }

  /**
   * Ends the family of a token of this account. An unknown token, or one of another account,
   * changes nothing.
   */
  async revoke(accountId: string, token: string): Promise<void> {
    const record = readToken('brt', token);
    if (record?.accountId !== accountId) return;
    const state = await this.find(record, hashOf(this.successorOf(token, accountId)));
    if (state) await this.end(accountId, state.family_id);
  }

  /** The families that still stand, newest first, behind an id. */
  list(accountId: string, after: string, limit: number): Promise<SignInRow[]> {
    const values = [accountId, after, this.now(), limit];
    return this.database.query<SignInRow>(LIST_FAMILIES, values);
  }

  /** Ends a family. False where there is none of this account, or it was ended before. */
  async end(accountId: string, familyId: string): Promise<boolean> {
    const ended = await this.database.query(REVOKE_FAMILY, [accountId, familyId, this.now()]);
    // Also where it was ended before: whoever did so may not have come to tell it.
    this.liveness.end({ accountId, sessionId: familyId });
    return ended.length > 0;
  }

  private async repeatedFamily(record: TokenRecord, successor: Buffer): Promise<string> {
    const state = await this.find(record, successor);
    const verdict = judgeRefusedToken(state, this.clock.now());
    if (state && verdict === 'repeat') return state.family_id;
    if (state && verdict === 'stolen') {
      await this.end(record.accountId, state.family_id);
      this.logger.warn({
        message: 'refresh token reused, sign-in revoked',
        account_id: record.accountId,
        session_id: state.family_id,
      });
    }
    throw refused();
  }

  private async find(
    { accountId, hash }: TokenRecord,
    successor: Buffer,
  ): Promise<TokenState | undefined> {
    const [state] = await this.database.query<TokenState>(FIND_TOKEN, [accountId, hash, successor]);
    return state;
  }

  private successorOf(token: string, accountId: string): string {
    return makeToken('brt', accountId, this.keys.successorSecret(token));
  }

  private tagOf(ip: string): Buffer {
    return this.keys.tagOf(addressKey(ip));
  }

  now(): Date {
    return new Date(this.clock.now());
  }

  private expiry(): Date {
    return new Date(this.clock.now() + this.ttlMs);
  }
}

const hashOf = (token: string): Buffer => (readToken('brt', token) as TokenRecord).hash;
const refused = () =>
  problems.invalidRefreshToken({ headers: { 'www-authenticate': 'Bearer realm="banyan"' } });
