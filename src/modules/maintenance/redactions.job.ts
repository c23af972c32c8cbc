import { Injectable } from '@nestjs/common';
import { FIRST_UUID } from '../../common/ids.js';
import { Database, type Statement } from '../../database/database.js';
import { blankPlaces } from '../redaction/blank-places.js';
import { Redaction } from '../redaction/redaction.entity.js';
import type { Job } from './job.js';

const BATCH = 100;

/** The next ones behind $1 and $2, and whether they have been looked through for long enough. */
const NEXT_REDACTIONS: Statement = {
  name: 'maintenance.next_redactions',
  text: `
    SELECT account_id, response_id, redacted_at < now() - interval '1 h' AS is_old FROM redactions
    WHERE (account_id, response_id) > ($1::uuid, $2::uuid) ORDER BY account_id, response_id LIMIT $3`,
};

interface Row extends Record<string, unknown> {
  account_id: string;
  response_id: string;
  is_old: boolean;
}

const FIRST: Row = { account_id: FIRST_UUID, response_id: FIRST_UUID, is_old: false };

/**
 * Looks again through all places for words of what was redacted in the last hour: whoever had read
 * them before, as for an answer to a key or for a highlight, may have put them down after.
 */
@Injectable()
export class RedactionsJob implements Job {
  readonly name = 'redactions';
  readonly everySeconds = 600;

  constructor(private readonly database: Database) {}

  async run(signal: AbortSignal): Promise<number> {
    let forgotten = 0;
    for (let rows = await this.after(FIRST); rows.length > 0; rows = await this.after(rows.at(-1)!))
      for (const row of rows) {
        if (signal.aborted) return forgotten;
        await this.lookThrough(row);
        if (row.is_old) forgotten++;
      }
    return forgotten;
  }

  private after({ account_id, response_id }: Row): Promise<Row[]> {
    return this.database.query<Row>(NEXT_REDACTIONS, [account_id, response_id, BATCH]);
  }

  private lookThrough({ account_id, response_id, is_old }: Row): Promise<void> {
    return this.database.transaction(async (tx) => {
      await blankPlaces(tx, account_id, [response_id]);
      if (is_old) await tx.delete(Redaction, { accountId: account_id, responseId: response_id });
    });
  }
}
