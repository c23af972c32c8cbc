import { Injectable } from '@nestjs/common';
import { problems } from '../../common/problems.js';
import { Database, type Statement } from '../../database/database.js';
import { STRETCH_CTE } from '../chat/lineage.sql.js';
import type { AccountUsageDto, ChatUsageDto, UsageSumDto } from './usage.dto.js';

const SUM = `jsonb_build_object('answers', count(m.usage), 'input_tokens', coalesce(sum((m.usage->>'input_tokens')::bigint), 0),
  'output_tokens', coalesce(sum((m.usage->>'output_tokens')::bigint), 0))`;

/** Pairs of a path that are added up at once. */
const WINDOW_PAIRS = 5000;

/**
 * $1 account, $2 chat, $3 and $4 a window of `seq`: what its pairs took, those of the chat itself,
 * of its path, and of all chats of the conversation.
 * `OFFSET 0` makes each range of pairs a scan of its own, whatever PostgreSQL believes about the
 * length of chats.
 */
const CHAT_USAGE: Statement = {
  name: 'usage.chat',
  text: `
    WITH RECURSIVE win AS (
      SELECT c.*, $3::int AS lo, least(c.last_seq, $4::int) AS hi FROM chats c WHERE c.account_id = $1 AND c.chat_id = $2 AND c.deleted_at IS NULL
    ),
    ${STRETCH_CTE},
    path AS (
      SELECT s.chat_id, m.usage FROM stretch s
      CROSS JOIN LATERAL (SELECT usage FROM messages WHERE account_id = $1 AND chat_id = s.chat_id AND seq BETWEEN s.lo AND s.hi OFFSET 0) m
    ),
    conversation AS (
      SELECT m.usage FROM win JOIN chats c
        ON c.account_id = $1 AND c.root_chat_id = win.root_chat_id AND c.fork_seq < $4::int AND c.last_seq >= $3::int
      CROSS JOIN LATERAL (SELECT usage FROM messages WHERE account_id = $1 AND chat_id = c.chat_id AND seq BETWEEN $3::int AND $4::int OFFSET 0) m
    )
    SELECT win.chat_id, win.root_chat_id,
      (SELECT ${SUM} FROM path m WHERE m.chat_id = win.chat_id) AS own, (SELECT ${SUM} FROM path m) AS path, (SELECT ${SUM} FROM conversation m) AS conversation,
      (SELECT max(c.last_seq) FROM chats c WHERE c.account_id = $1 AND c.root_chat_id = win.root_chat_id) AS longest
    FROM win`,
};

const DAYS = (condition: string): string => `
  SELECT jsonb_build_object('answers', coalesce(sum(answers), 0), 'input_tokens', coalesce(sum(input_tokens), 0),
    'output_tokens', coalesce(sum(output_tokens), 0)) FROM usage_days WHERE account_id = $1${condition}`;

const ACCOUNT_USAGE: Statement = {
  name: 'usage.account',
  text: `SELECT (${DAYS(` AND day = (now() AT TIME ZONE 'UTC')::date`)}) AS today, (${DAYS('')}) AS total`,
};

interface WindowRow extends ChatUsageDto, Record<string, unknown> {
  /** Length of the longest path of the conversation. */
  longest: number;
}

const plus = (a: UsageSumDto, b: UsageSumDto): UsageSumDto => ({
  answers: a.answers + b.answers,
  input_tokens: a.input_tokens + b.input_tokens,
  output_tokens: a.output_tokens + b.output_tokens,
});

/** What answers took, summed. What a purged conversation took stays in the sum of its account. */
@Injectable()
export class UsageService {
  constructor(private readonly database: Database) {}

  /** Reads whole paths, a window at a time. @throws chat_not_found */
  async ofChat(accountId: string, chatId: string): Promise<ChatUsageDto> {
    const { longest, ...first } = await this.window(accountId, chatId, 1);
    let usage: ChatUsageDto = first;
    for (let from = 1 + WINDOW_PAIRS; from <= longest; from += WINDOW_PAIRS) {
      const { own, path, conversation } = await this.window(accountId, chatId, from);
      usage = {
        ...usage,
        own: plus(usage.own, own),
        path: plus(usage.path, path),
        conversation: plus(usage.conversation, conversation),
      };
    }
    return usage;
  }

  private async window(accountId: string, chatId: string, from: number): Promise<WindowRow> {
    const [row] = await this.database.query<WindowRow>(CHAT_USAGE, [
      accountId,
      chatId,
      from,
      from + WINDOW_PAIRS - 1,
    ]);
    if (!row) throw problems.chatNotFound();
    return row;
  }

  async ofAccount(accountId: string): Promise<AccountUsageDto> {
    const [usage] = await this.database.query<AccountUsageDto & Record<string, unknown>>(
      ACCOUNT_USAGE,
      [accountId],
    );
    return usage!;
  }
}
