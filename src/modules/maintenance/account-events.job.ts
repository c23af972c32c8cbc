import { Injectable } from '@nestjs/common';
import { FIRST_UUID } from '../../common/ids.js';
import { Config } from '../../config/config.js';
import { Database, type Statement } from '../../database/database.js';
import { inBatches, type Job } from './job.js';

const BATCH = 1000;

/** The next $2 followed accounts behind $1, and whether the oldest event of each is $3 days old. */
const NEXT_FEEDS: Statement = {
  name: 'maintenance.next_feeds',
  text: `
    SELECT f.account_id, coalesce((
      SELECT e.created_at < now() - $3::int * interval '1 day' FROM account_events e
      WHERE e.account_id = f.account_id ORDER BY e.seq LIMIT 1), false) AS has_old
    FROM account_feeds f WHERE f.account_id > $1 ORDER BY f.account_id LIMIT $2`,
};

/**
 * Of the oldest $2 events of an account those that are $3 days old go, and the account says up to
 * which number. Its row comes first, as for all who give numbers; what others have locked is left
 * to the next run.
 */
const THIN: Statement = {
  name: 'maintenance.thin_account_events',
  text: `
    WITH feed AS MATERIALIZED (
      SELECT account_id FROM account_feeds WHERE account_id = $1 FOR UPDATE SKIP LOCKED
    ),
    old AS MATERIALIZED (
      SELECT e.seq FROM feed CROSS JOIN LATERAL (
        SELECT seq, created_at FROM account_events WHERE account_id = $1 ORDER BY seq LIMIT $2 FOR UPDATE SKIP LOCKED
      ) e WHERE e.created_at < now() - $3::int * interval '1 day'
    ),
    told AS (
      UPDATE account_feeds SET thinned_to = greatest(thinned_to, (SELECT max(seq) FROM old))
      WHERE account_id = $1 AND EXISTS (SELECT FROM old)
    )
    DELETE FROM account_events e USING old WHERE e.account_id = $1 AND e.seq = old.seq RETURNING 1`,
};

interface FeedRow extends Record<string, unknown> {
  account_id: string;
  has_old: boolean;
}

/**
 * Events of accounts that are older than those who follow them are told by. What they lead to is
 * where it was; whoever comes back later reads it anew.
 */
@Injectable()
export class AccountEventsJob implements Job {
  readonly name = 'events of accounts';
  readonly everySeconds = 3600;

  constructor(
    private readonly database: Database,
    private readonly config: Config,
  ) {}

  async run(signal: AbortSignal): Promise<number> {
    const days = this.config.ACCOUNT_EVENTS_RETENTION_DAYS;
    let removed = 0;
    for (let after: string | undefined = FIRST_UUID; after && !signal.aborted;) {
      const feeds: FeedRow[] = await this.database.query(NEXT_FEEDS, [after, BATCH, days]);
      for (const { account_id: accountId } of feeds.filter(({ has_old }) => has_old))
        removed += await inBatches(
          BATCH,
          signal,
          async () => (await this.database.query(THIN, [accountId, BATCH, days])).length,
        );
      after = feeds.at(-1)?.account_id;
    }
    return removed;
  }
}
