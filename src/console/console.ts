import { Logger } from '@nestjs/common';
import { type DataSource, MoreThan } from 'typeorm';
import { FIRST_UUID, newId } from '../common/ids.js';
import { makeToken, readToken, type TokenKind } from '../common/opaque-token.js';
import { loadToolConfig } from '../config/config.js';
import { openDatabase } from '../fsck/open-database.js';
import { Account } from '../modules/auth/account.entity.js';
import { Invitation } from '../modules/auth/invitation.entity.js';
import { PasswordReset } from '../modules/auth/password-reset.entity.js';

const HOUR_MS = 3_600_000;
const PAGE = 1000;

/** What the console hands out: shown this once, as only its hash is kept. */
export interface ConsoleToken {
  token: string;
  /** ISO 8601. */
  expires_at: string;
}

/**
 * What whoever runs a server does beside its API (`banyan admin`): in its database, so with the
 * settings of the server and on its machine.
 */
export class Console {
  constructor(
    private readonly dataSource: DataSource,
    readonly close: () => Promise<void>,
  ) {}

  /** Lets somebody register once, within so many hours. */
  async invite(hours: number): Promise<ConsoleToken> {
    const { row, said } = newToken('biv', newId(), hours);
    await this.dataSource.getRepository(Invitation).insert(row);
    return said;
  }

  /**
   * Lets the owner of an account set another password once, within so many hours. A token of before
   * is good no more.
   * @throws Error in plain words where no account has this e-mail
   */
  async resetPassword(email: string, hours: number): Promise<ConsoleToken> {
    const known = email.trim().toLowerCase();
    return this.dataSource.transaction(async (tx) => {
      // With its row, as a change of the password ends the reset that is there.
      const lock = { mode: 'pessimistic_write' } as const;
      const account = await tx.findOne(Account, { where: { email: known }, lock });
      if (!account)
        throw new Error(`no account has the e-mail ${known}: see banyan admin accounts`);
      const { row, said } = newToken('bpr', account.accountId, hours);
      await tx.upsert(PasswordReset, row, ['accountId']);
      return said;
    });
  }

  /** All accounts in the order of their ids, which is about that of their making, in pages. */
  async *accounts(): AsyncGenerator<Account[]> {
    const accounts = this.dataSource.getRepository(Account);
    for (let after: string | undefined = FIRST_UUID; after;) {
      const page: Account[] = await accounts.find({
        where: { accountId: MoreThan(after) },
        order: { accountId: 'ASC' },
        take: PAGE,
      });
      yield page;
      after = page.at(-1)?.accountId;
    }
  }
}

/** Opens the console of the server that the settings name. @throws Error in plain words */
export async function openConsole(): Promise<Console> {
  Logger.overrideLogger(false); // stdout is for what was asked for
  const { dataSource, close } = await openDatabase(loadToolConfig(), 'banyan-admin');
  return new Console(dataSource, close);
}

function newToken(
  kind: TokenKind,
  accountId: string,
  hours: number,
): { row: Invitation & PasswordReset; said: ConsoleToken } {
  const token = makeToken(kind, accountId);
  const createdAt = new Date();
  const expiresAt = new Date(createdAt.getTime() + hours * HOUR_MS);
  const { hash: tokenHash } = readToken(kind, token)!;
  return {
    row: { accountId, tokenHash, createdAt, expiresAt },
    said: { token, expires_at: expiresAt.toISOString() },
  };
}
