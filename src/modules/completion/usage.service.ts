import { Injectable } from '@nestjs/common';
import { problems } from '../../common/problems.js';
import { Database, type Statement } from '../../database/database.js';
import { STRETCH_CTE } from '../chat/lineage.sql.js';
import type { AccountUsageDto, ChatUsageDto, UsageSumDto } from './usage.dto.js';

const SUM = `jsonb_build_object('answers', count(m.usage), 'input_tokens', coalesce(sum((m.usage->>'input_tokens')::bigint), 0),
  'output_tokens', coalesce(sum((m.usage->>'output_tokens')::bigint), 0))`;

const CHAT_USAGE: Statement = {
  name: 'usage.chat',
  text: `
    WITH RECURSIVE win AS (
      SELECT c.*, 1 AS lo, c.last_seq AS hi FROM chats c WHERE c.account_id = $1 AND c.chat_id = $2 AND c.deleted_at IS NULL
    ),
    ${STRETCH_CTE}
    SELECT win.chat_id, win.root_chat_id,
      (SELECT ${SUM} FROM messages m WHERE m.account_id = $1 AND m.chat_id = win.chat_id) AS own,
      (SELECT ${SUM} FROM stretch s JOIN messages m ON m.account_id = $1 AND m.chat_id = s.chat_id AND m.seq BETWEEN s.lo AND s.hi) AS path,
      (SELECT ${SUM} FROM chats c JOIN messages m ON m.account_id = $1 AND m.chat_id = c.chat_id
        WHERE c.account_id = $1 AND c.root_chat_id = win.root_chat_id) AS conversation
    FROM win`,
};

const DAYS = (condition: string): string => `
  SELECT jsonb_build_object('answers', coalesce(sum(answers), 0), 'input_tokens', coalesce(sum(input_tokens), 0),
    'output_tokens', coalesce(sum(output_tokens), 0)) FROM usage_days WHERE account_id = $1${condition}`;

const ACCOUNT_USAGE: Statement = {
  name: 'usage.account',
  text: `SELECT (${DAYS(` AND day = (now() AT TIME ZONE 'UTC')::date`)}) AS today, (${DAYS('')}) AS total`,
};

interface Row extends Record<string, unknown> {
  own: UsageSumDto;
}

/** What answers took, summed. What a purged conversation took stays in the sum of its account. */
@Injectable()
export class UsageService {
  constructor(private readonly database: Database) {}

  /** @throws chat_not_found */
  async ofChat(accountId: string, chatId: string): Promise<ChatUsageDto> {
    const [usage] = await this.database.query<ChatUsageDto & Row>(CHAT_USAGE, [accountId, chatId]);
    if (!usage) throw problems.chatNotFound();
    return usage;
  }

  async ofAccount(accountId: string): Promise<AccountUsageDto> {
    const [usage] = await this.database.query<AccountUsageDto & Record<string, unknown>>(ACCOUNT_USAGE, [accountId]);
    return usage!;
  }
}
