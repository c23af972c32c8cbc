import { Injectable, Logger } from '@nestjs/common';
import { readToken } from '../../common/opaque-token.js';
import { invalidField } from '../../common/problems.js';
import { Database } from '../../database/database.js';
import { Credentials } from './credentials.service.js';
import { LocalKeys } from './local-keys.js';
import { RefreshTokensService } from './refresh-tokens.service.js';
import { FIND_RESET } from './refresh-tokens.sql.js';

interface ResetRow extends Record<string, unknown> {
  email: string;
  password_hash: string;
}

/**
 * Another password for who has forgotten theirs, by a token that the console makes
 * (`src/console`): there is no mail server.
 */
@Injectable()
export class PasswordResets {
  private readonly logger = new Logger('Auth');

  constructor(
    private readonly database: Database,
    private readonly keys: LocalKeys,
    private readonly credentials: Credentials,
    private readonly refreshTokens: RefreshTokensService,
  ) {}

  /**
   * Ends every sign-in of the account and the token; API keys stay.
   * @throws `validation_failed`, which names the token that is not good or the password that is
   * easily guessed
   */
  async reset(token: string, password: string): Promise<void> {
    this.keys.requireLocalAccounts();
    const record = readToken('bpr', token);
    if (!record) throw notGood();
    const { accountId, hash } = record;
    const [row] = await this.database.query<ResetRow>(FIND_RESET, [
      accountId,
      hash,
      this.refreshTokens.now(),
    ]);
    if (!row) throw notGood();
    const newHash = await this.credentials.hashOfNew('new_password', password, row.email);
    const change = { accountId, passwordHash: row.password_hash, newHash };
    if (!(await this.refreshTokens.changePassword(change, { resetHash: hash }))) throw notGood();
    this.logger.log({ message: 'password reset', account_id: accountId });
  }
}

const notGood = () =>
  invalidField('token', 'is not good, or not any more; have another one made at the console');
