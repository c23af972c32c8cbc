import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Repository } from 'typeorm';
import { v5 } from 'uuid';
import { newId } from '../../common/ids.js';
import { problems } from '../../common/problems.js';
import { untilDone } from '../../database/database.js';
import { Account } from './account.entity.js';
import { unauthorized } from './bearer.js';
import { Clock } from './clock.js';
import type { OutsideSubject } from './outside-jwt.strategy.js';
import { isUniqueViolation } from '../../runtime/pg-errors.js';

/** Never to be changed: the ids of all accounts of outside issuers are made from it. */
const OUTSIDE_NAMESPACE = '6f0dc9b6-4a3e-4d0c-9b0f-2f6f1c6a7e58';

export interface NewAccount {
  /** Already trimmed and in lower case. */
  email: string;
  name: string | null;
  passwordHash: string;
}

@Injectable()
export class AccountsService {
  constructor(
    @InjectRepository(Account) private readonly accounts: Repository<Account>,
    private readonly clock: Clock,
  ) {}

  /** @throws `email_taken` */
  async create(fields: NewAccount): Promise<Account> {
    const account: Account = {
      accountId: newId(),
      ...fields,
      createdAt: new Date(this.clock.now()),
    };
    try {
      await untilDone(() => this.accounts.insert(account));
    } catch (error) {
      if (isUniqueViolation(error)) throw problems.emailTaken();
      throw error;
    }
    return account;
  }

  /**
   * Null when there is none. The one look-up without an account id: at sign-in nothing else is
   * known.
   */
  findByEmail(email: string): Promise<Account | null> {
    return this.accounts.findOneBy({ email });
  }

  /** @throws `unauthorized` for an account that was deleted a moment ago */
  async get(accountId: string): Promise<Account> {
    const account = await this.accounts.findOneBy({ accountId });
    if (!account) throw unauthorized(true);
    return account;
  }

  /**
   * The account of an outside subject, made at its first sight. Its e-mail stays null: an address
   * that another issuer vouches for must neither take over nor block an account with a password.
   */
  async provision({ issuer, subject, name }: OutsideSubject): Promise<string> {
    const accountId = v5(`${issuer}|${subject}`, OUTSIDE_NAMESPACE);
    const account: Account = {
      accountId,
      email: null,
      name,
      passwordHash: null,
      createdAt: new Date(this.clock.now()),
    };
    await untilDone(() =>
      this.accounts.createQueryBuilder().insert().values(account).orIgnore().execute(),
    );
    return accountId;
  }
}
