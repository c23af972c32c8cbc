import { Injectable, Logger } from '@nestjs/common';
import { invalidField, problems } from '../../common/problems.js';
import { Config } from '../../config/config.js';
import type { Account } from './account.entity.js';
import { AccountsService } from './accounts.service.js';
import { LocalKeys } from './local-keys.js';
import { passwordFault } from './password-rules.js';
import { PasswordsService } from './passwords.service.js';
import { RefreshTokensService, type SignIn } from './refresh-tokens.service.js';

/** What a sign-in gives; the access token is made from it. */
export interface SignedIn {
  account: Account;
  signIn: SignIn;
}

/** Accounts with a password: making one, signing in, staying signed in, signing out. */
@Injectable()
export class AuthService {
  private readonly logger = new Logger('Auth');

  constructor(
    private readonly config: Config,
    private readonly keys: LocalKeys,
    private readonly accounts: AccountsService,
    private readonly passwords: PasswordsService,
    private readonly refreshTokens: RefreshTokensService,
  ) {}

  /** @throws `registration_closed`, `email_taken`, `validation_failed` for a password that is easily guessed */
  async register(email: string, password: string, name: string | null): Promise<SignedIn> {
    this.keys.requireLocalAccounts();
    if (this.config.REGISTRATION === 'closed') throw problems.registrationClosed();
    const fault = await passwordFault(password, email, this.config.PASSWORD_BLOCKLIST);
    if (fault) throw invalidField('password', fault);
    // Hashed before the look at the e-mail, so that a taken one answers no faster than a free one.
    const account = await this.accounts.create({ email, name, passwordHash: await this.passwords.hash(password) });
    this.logger.log({ message: 'account registered', account_id: account.accountId });
    return { account, signIn: await this.refreshTokens.open(account.accountId) };
  }

  /** @throws `invalid_credentials`, the same and as late for an unknown e-mail as for a wrong password */
  async login(email: string, password: string): Promise<SignedIn> {
    this.keys.requireLocalAccounts();
    const account = await this.accounts.findByEmail(email);
    const fits = await this.passwords.verify(password, account?.passwordHash ?? null);
    if (!account || !fits) {
      this.logger.log({ message: 'sign-in refused', ...(account && { account_id: account.accountId }) });
      throw problems.invalidCredentials({ headers: { 'www-authenticate': 'Bearer realm="banyan"' } });
    }
    const signIn = await this.refreshTokens.open(account.accountId);
    this.logger.log({ message: 'signed in', account_id: account.accountId, session_id: signIn.familyId });
    return { account, signIn };
  }

  /** @throws `invalid_refresh_token` */
  async refresh(refreshToken: string): Promise<SignedIn> {
    this.keys.requireLocalAccounts();
    const signIn = await this.refreshTokens.rotate(refreshToken);
    return { account: await this.accounts.get(signIn.accountId), signIn };
  }

  /** Ends the sign-in of a refresh token of this account, and with it the access tokens. Done already, or not theirs: nothing happens. */
  async logout(accountId: string, refreshToken: string): Promise<void> {
    await this.refreshTokens.revoke(accountId, refreshToken);
    this.logger.log({ message: 'signed out', account_id: accountId });
  }

  me(accountId: string): Promise<Account> {
    return this.accounts.get(accountId);
  }
}
