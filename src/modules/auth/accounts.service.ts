import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { MoreThan, Repository } from 'typeorm';
import { v5 } from 'uuid';
import { newId } from '../../common/ids.js';
import { readToken } from '../../common/opaque-token.js';
import { invalidField, problems } from '../../common/problems.js';
import { Database, untilDone } from '../../database/database.js';
import { Account } from './account.entity.js';
import { unauthorized } from './bearer.js';
import { Clock } from './clock.js';
import { Invitation } from './invitation.entity.js';
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
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /**
   * Makes an account, by an invitation where there is one: it is good once.
   * @throws `email_taken`, `validation_failed` for an invitation that is not good
   */
  async create(fields: NewAccount, invitation: string | null): Promise<Account> {
    const record = invitation === null ? null : readToken('biv', invitation);
    if (invitation !== null && !record) throw notInvited();
    const account: Account = {
      accountId: record?.accountId ?? newId(),
      ...fields,
      createdAt: new Date(this.clock.now()),
    };
    try {
      await (record
        ? this.insertInvited(account, record.hash)
        : untilDone(() => this.accounts.insert(account)));
    } catch (error) {
      if (isUniqueViolation(error)) throw problems.emailTaken();
      throw error;
    }
    return account;
  }

  private insertInvited(account: Account, tokenHash: Buffer): Promise<void> {
    const { accountId, createdAt } = account;
    const good = { accountId, tokenHash, expiresAt: MoreThan(createdAt) };
    return this.database.transaction(async (tx) => {
      if ((await tx.delete(Invitation, good)).affected !== 1) throw notInvited();
      await tx.insert(Account, account);
    });
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

const notInvited = () =>
  invalidField('invitation', 'is not good, or not any more; ask for another one');
