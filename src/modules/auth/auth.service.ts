import { Injectable, Logger } from '@nestjs/common';
import type { Principal } from '../../common/principal.js';
import { invalidField, problems } from '../../common/problems.js';
import { Config } from '../../config/config.js';
import type { Account } from './account.entity.js';
import { AccountsService } from './accounts.service.js';
import { Credentials, type NewCredentials, wrongPassword } from './credentials.service.js';
import { LocalKeys } from './local-keys.js';
import { type Device, RefreshTokensService, type SignIn } from './refresh-tokens.service.js';

/** What a sign-in gives; the access token is made from it. */
export interface SignedIn {
  account: Account;
  signIn: SignIn;
}

/**
 * Accounts with a password: making one, signing in, staying signed in, signing out, and another
 * password.
 */
@Injectable()
export class AuthService {
  private readonly logger = new Logger('Auth');

  constructor(
    private readonly config: Config,
    private readonly keys: LocalKeys,
    private readonly accounts: AccountsService,
    private readonly credentials: Credentials,
    private readonly refreshTokens: RefreshTokensService,
  ) {}

  /**
   * @throws `registration_closed`, `email_taken`, `validation_failed` for a password that is easily
   * guessed, or without an invitation that is good where one is needed
   */
  async register(fields: NewCredentials, device: Device): Promise<SignedIn> {
    this.keys.requireLocalAccounts();
    if (this.config.REGISTRATION === 'closed') throw problems.registrationClosed();
    if (this.config.REGISTRATION === 'invite' && fields.invitation === null)
      throw invalidField('invitation', 'is needed: ask whoever runs this server for one');
    const account = await this.credentials.create(fields);
    this.logger.log({ message: 'account registered', account_id: account.accountId });
    return this.signIn(account, device);
  }

  /**
   * @throws `invalid_credentials`, the same and as late for an unknown e-mail as for a wrong
   * password; `rate_limited` after too many
   */
  async login(email: string, password: string, device: Device): Promise<SignedIn> {
    this.keys.requireLocalAccounts();
    const { account, fits } = await this.credentials.check(email, password, device.ip);
    if (!account || !fits) {
      this.logger.log({
        message: 'sign-in refused',
        ...(account && { account_id: account.accountId }),
      });
      throw invalidCredentials();
    }
    const signedIn = await this.signIn(account, device);
    this.logger.log({
      message: 'signed in',
      account_id: account.accountId,
      session_id: signedIn.signIn.familyId,
    });
    return signedIn;
  }

  /** @throws `invalid_refresh_token` */
  async refresh(refreshToken: string): Promise<SignedIn> {
    this.keys.requireLocalAccounts();
    const signIn = await this.refreshTokens.rotate(refreshToken);
    return { account: await this.accounts.get(signIn.accountId), signIn };
  }

  /**
   * Ends the sign-in of a refresh token of this account, and with it the access tokens. Done
   * already, or not theirs: nothing happens.
   */
  async logout(accountId: string, refreshToken: string): Promise<void> {
    await this.refreshTokens.revoke(accountId, refreshToken);
    this.logger.log({ message: 'signed out', account_id: accountId });
  }

  /**
   * Ends every other sign-in of the account; its API keys stay, as they were not made with the
   * password.
   * @throws `password_sign_in_needed` for an API key or an account without a password;
   * `validation_failed`; `rate_limited` after too many
   */
  async changePassword(
    { accountId, sessionId }: Principal,
    current: string,
    next: string,
    ip: string,
  ): Promise<void> {
    this.keys.requireLocalAccounts();
    const account = await this.accounts.get(accountId);
    if (!sessionId || !hasPassword(account)) throw problems.passwordSignInNeeded();
    const newHash = await this.credentials.hashOfNext(account, current, next, ip);
    const change = { accountId, passwordHash: account.passwordHash, newHash };
    // Not to be found any more: another change was faster, and this one's current password is not
    // current.
    if (!(await this.refreshTokens.changePassword(change, { keptFamilyId: sessionId })))
      throw wrongPassword();
    this.logger.log({ message: 'password changed', account_id: accountId, session_id: sessionId });
  }

  me(accountId: string): Promise<Account> {
    return this.accounts.get(accountId);
  }

  /** @throws `invalid_credentials` when the password was changed since it was checked */
  private async signIn(account: Account, device: Device): Promise<SignedIn> {
    const signIn = await this.refreshTokens.open(account, device);
    if (!signIn) throw invalidCredentials();
    return { account, signIn };
  }
}

const hasPassword = (
  account: Account,
): account is Account & { email: string; passwordHash: string } => account.passwordHash !== null;

const invalidCredentials = () =>
  problems.invalidCredentials({ headers: { 'www-authenticate': 'Bearer realm="banyan"' } });
