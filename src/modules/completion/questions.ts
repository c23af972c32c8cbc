import { Injectable } from '@nestjs/common';
import { problems } from '../../common/problems.js';
import { ContentStore } from '../../content/content-store.js';
import { Database, type Statement } from '../../database/database.js';
import type { Pair } from '../chat/pair.js';
import { type QuestionRow, questionStatement } from './generations.sql.js';

/** A question on its way to an answer: its pair as it is stored, and the fork point of the chat that owns it. */
export interface Question {
  pair: Pair;
  forkSeq: number;
}

/** Reads pairs for whom their answers are written, whether or not their chats are deleted meanwhile. */
@Injectable()
export class Questions {
  private readonly statement: Statement;

  constructor(
    private readonly database: Database,
    private readonly content: ContentStore,
  ) {
    this.statement = questionStatement(content.table);
  }

  /** Null for a pair that does not exist. @throws content_unavailable */
  async find(accountId: string, responseId: string): Promise<Question | null> {
    const [row] = await this.database.query<QuestionRow>(this.statement, [accountId, responseId]);
    if (!row) return null;
    return { pair: pairOf(row, row.body ?? (await this.stored(accountId, row))), forkSeq: row.fork_seq };
  }

  private async stored(accountId: string, row: QuestionRow): Promise<string> {
    const ref = {
      accountId,
      rootChatId: row.root_chat_id,
      chatId: row.chat_id,
      forkSeq: row.fork_seq,
      responseId: row.response_id,
      seq: row.seq,
      version: row.version,
    };
    const found = (await this.content.findMany(accountId, row.root_chat_id, [ref])).get(row.response_id);
    if (found?.version !== row.version) throw problems.contentUnavailable({ headers: { 'retry-after': '2' } });
    return found.body;
  }
}

const pairOf = (row: QuestionRow, body: string): Pair => ({
  responseId: row.response_id,
  chatId: row.chat_id,
  seq: row.seq,
  version: row.version,
  messageType: row.message_type,
  status: row.status,
  author: row.author,
  model: row.model,
  usage: row.usage,
  error: row.error,
  createdAt: row.created_at,
  body,
  branches: [],
  branchesTotal: 0,
});
