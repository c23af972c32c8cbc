import { Injectable } from '@nestjs/common';
import { Database, type Statement } from '../database/database.js';
import type { ValidatorKind } from './validated.js';

const statement = (name: string, state: string): Statement => ({
  name: `validator.${name}`,
  text: `
    SELECT ${state} AS state FROM chats c JOIN conversations v ON v.account_id = c.account_id AND v.chat_id = c.root_chat_id
    WHERE c.account_id = $1 AND c.chat_id = $2 AND c.deleted_at IS NULL`,
});

const STATEMENTS: Record<ValidatorKind, Statement> = {
  chat: statement('chat', `(c.revision + v.revision)::text`),
  tree: statement('tree', `'t' || v.event_seq`),
};

/** Asks PostgreSQL, which alone knows, what state an answer would be made from: one lookup by primary keys. */
@Injectable()
export class Validators {
  constructor(private readonly database: Database) {}

  /** The state of a chat, or of its tree; null when the account has no such chat. */
  async stateOf(kind: ValidatorKind, accountId: string, chatId: string): Promise<string | null> {
    const [row] = await this.database.query<{ state: string }>(STATEMENTS[kind], [accountId, chatId]);
    return row?.state ?? null;
  }
}
