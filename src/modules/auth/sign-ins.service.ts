import { Injectable, Logger } from '@nestjs/common';
import { idBefore, type Page, type PageAsked, pageOf } from '../../common/cursor.js';
import { problems } from '../../common/problems.js';
import { RefreshTokensService } from './refresh-tokens.service.js';
import type { SignInRow } from './refresh-tokens.sql.js';

const SCOPE = 'auth-sessions';

/** Where an account is signed in, for its owner. */
@Injectable()
export class SignIns {
  private readonly logger = new Logger('Auth');

  constructor(private readonly refreshTokens: RefreshTokensService) {}

  /** Those that still stand, newest first. @throws 422 for a cursor of another list */
  async list(accountId: string, { limit, cursor }: PageAsked): Promise<Page<SignInRow>> {
    const rows = await this.refreshTokens.list(accountId, idBefore(cursor, SCOPE), limit + 1);
    return pageOf(rows, limit, SCOPE, ({ family_id: id }) => id);
  }

  /** @throws session_not_found where there is none, or it was ended */
  async end(accountId: string, sessionId: string): Promise<void> {
    if (!(await this.refreshTokens.end(accountId, sessionId))) throw problems.sessionNotFound();
    this.logger.log({ message: 'sign-in ended', account_id: accountId, session_id: sessionId });
  }
}
