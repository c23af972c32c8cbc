import { Injectable } from '@nestjs/common';
import { invalidField } from '../../common/problems.js';
import { Config } from '../../config/config.js';
import type { Account } from './account.entity.js';
import { AccountsService } from './accounts.service.js';
import { Guesses } from './guesses.service.js';
import { passwordFault } from './password-rules.js';
import { PasswordsService } from './passwords.service.js';

/** What register is given. */
export interface NewCredentials {
  /** Trimmed and in lower case. */
  email: string;
  password: string;
  name: string | null;
  /** The text of its token. */
  invitation: string | null;
}

/**
 * E-mails with their passwords: made by the rules, and checked without telling which e-mails there
 * are.
 */
@Injectable()
export class Credentials {
  constructor(
    private readonly config: Config,
    private readonly accounts: AccountsService,
    private readonly passwords: PasswordsService,
    private readonly guesses: Guesses,
  ) {}

  /**
   * @throws `email_taken`, `validation_failed` for a password that is easily guessed or an
   * invitation that is not good
   */
  async create({ email, password, name, invitation }: NewCredentials): Promise<Account> {
    // Hashed before the look at the e-mail, so that a taken one answers no faster than a free one.
    const passwordHash = await this.hashOfNew('password', password, email);
    return this.accounts.create({ email, name, passwordHash }, invitation);
  }

  /**
   * The account, and whether this is its password. Takes as long for an e-mail that nobody has.
   * @throws `rate_limited` after too many wrong ones
   */
  async check(
    email: string,
    password: string,
    ip: string,
  ): Promise<{ account: Account | null; fits: boolean }> {
    const account = await this.accounts.findByEmail(email);
    return { account, fits: await this.fits(account, { email, password, ip }) };
  }

  /**
   * The hash of the password that is to follow the current one.
   * @throws `validation_failed`, which names the password that is wrong or easily guessed;
   * `rate_limited` after too many wrong ones
   */
  async hashOfNext(
    account: Account & { email: string },
    current: string,
    next: string,
    ip: string,
  ): Promise<string> {
    const { email } = account;
    if (!(await this.fits(account, { email, password: current, ip }))) throw wrongPassword();
    return this.hashOfNew('new_password', next, email);
  }

  private async fits(
    account: Account | null,
    { email, password, ip }: { email: string; password: string; ip: string },
  ): Promise<boolean> {
    const guess = await this.guesses.count({ email, accountId: account?.accountId ?? null, ip });
    const fits = await this.passwords.verify(password, account?.passwordHash ?? null);
    if (fits) await this.guesses.forgive(guess);
    return fits;
  }

  /**
   * The hash of a new password of whoever has this e-mail.
   * @throws `validation_failed`, which names `field`, for one that is easily guessed
   */
  async hashOfNew(field: string, password: string, email: string): Promise<string> {
    const fault = await passwordFault(password, email, this.config.PASSWORD_BLOCKLIST);
    if (fault) throw invalidField(field, fault);
    return this.passwords.hash(password);
  }
}

/** Not a 401: a client would take that for the end of its token. */
export const wrongPassword = () =>
  invalidField('current_password', 'is not the password of this account');
