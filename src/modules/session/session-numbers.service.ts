import { Injectable } from '@nestjs/common';
import { Database, type Statement } from '../../database/database.js';

const NEXT: Statement = {
  name: 'session_number.next',
  text: `
    INSERT INTO session_number_counters AS c (account_id, last) VALUES ($1, 1)
    ON CONFLICT (account_id) DO UPDATE SET last = c.last + 1 RETURNING last`,
};

/**
 * Gives sessions their numbers: 1, 2, 3… for each account, none of them twice, whatever restarts
 * and however many instances there are.
 */
@Injectable()
export class SessionNumbersService {
  constructor(private readonly database: Database) {}

  /** A number that is taken and then not used is left out. */
  async next(accountId: string): Promise<number> {
    const [row] = await this.database.query<{ last: number }>(NEXT, [accountId]);
    return row!.last;
  }
}
