import { Injectable, Logger } from '@nestjs/common';
import { KeyedQueue } from '../../common/keyed-queue.js';
import { problems } from '../../common/problems.js';
import { Config } from '../../config/config.js';
import { Database, type Statement } from '../../database/database.js';
import { isStoreAway, StorePatience } from '../../database/store-patience.js';
import type { Usage } from '../../llm/language-model.js';
import { SPEND } from './spend.sql.js';

const SPENT: Statement = {
  name: 'quota.spent',
  text: `
    SELECT
      CASE WHEN $2::boolean THEN (SELECT count(*)::int FROM generations WHERE account_id = $1 AND status <> 'ended') ELSE 0 END AS running,
      coalesce((SELECT input_tokens + output_tokens FROM usage_days WHERE account_id = $1 AND day = (now() AT TIME ZONE 'UTC')::date), 0)::float8
        AS tokens,
      ceil(extract(epoch FROM date_trunc('day', now() AT TIME ZONE 'UTC') + interval '1 day' - now() AT TIME ZONE 'UTC'))::int AS seconds_left`,
};
const SPEND_APART: Statement = { name: 'quota.spend', text: SPEND };
const SOON_SECONDS = 2;

interface SpentRow {
  [column: string]: unknown;
  running: number;
  tokens: number;
  seconds_left: number;
}

/**
 * How much of models an account may use, counted in PostgreSQL for all instances. Asked before a
 * provider is: so an account goes over its tokens by what is on its way, and no further.
 */
@Injectable()
export class Quotas {
  /**
   * Answers of one account enter one after the other, so that each sees the rows of those before
   * it.
   */
  private readonly entering = new KeyedQueue();
  private readonly logger = new Logger('Answers');

  constructor(
    private readonly database: Database,
    private readonly patience: StorePatience,
    private readonly config: Config,
  ) {}

  /**
   * Does `work`, which begins some answers, if the account may have them. @throws too_many_answers,
   * tokens_spent
   */
  admit<Result>(accountId: string, answers: number, work: () => Promise<Result>): Promise<Result> {
    return this.entering.run(accountId, async () => {
      await this.check(accountId, answers);
      return work();
    });
  }

  /** @param answers how many are to begin @throws too_many_answers, tokens_spent */
  async check(accountId: string, answers = 1): Promise<void> {
    const { ANSWERS_PER_ACCOUNT: atOnce, TOKENS_PER_DAY: tokensMax } = this.config;
    if (atOnce === 0 && tokensMax === 0) return;
    const [spent] = await this.database.query<SpentRow>(SPENT, [accountId, atOnce > 0]);
    const { running, tokens, seconds_left: secondsLeft } = spent!;
    if (tokensMax > 0 && tokens >= tokensMax)
      throw problems.tokensSpent({ headers: { 'retry-after': String(secondsLeft) } });
    if (atOnce > 0 && running + answers > atOnce)
      throw problems.tooManyAnswers({ headers: { 'retry-after': String(SOON_SECONDS) } });
  }

  /**
   * Counts what an answer took that is not stored as a pair. Never throws: while PostgreSQL is away
   * it is counted behind, and nobody waits. What breaks in the middle of the count may be counted
   * twice rather than not at all.
   */
  async spend(
    accountId: string,
    usage: Pick<Usage, 'input_tokens' | 'output_tokens'>,
  ): Promise<void> {
    const count = () =>
      this.database.query(SPEND_APART, [accountId, usage.input_tokens, usage.output_tokens]);
    try {
      await count();
    } catch (error) {
      if (!isStoreAway(error)) return this.lost(usage, error);
      void this.patience
        .during(count, { what: 'a count of tokens' })
        .catch((last: unknown) => this.lost(usage, last));
    }
  }

  private lost(usage: Pick<Usage, 'input_tokens' | 'output_tokens'>, error: unknown): void {
    this.logger.warn({
      message: 'tokens were not counted',
      ...usage,
      cause: (error as Error).message,
    });
  }
}
