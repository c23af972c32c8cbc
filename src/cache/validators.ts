import { Injectable } from '@nestjs/common';
import { Database, type Statement } from '../database/database.js';
import { Together } from '../runtime/together.js';
import { chatState, treeState, type ValidatorKind } from './validated.js';

/**
 * Of chats $2 of accounts $1, by their places from 1; those that an account has not are left out.
 * `LIMIT 1` makes each a look-up by its key.
 */
const STATES: Statement = {
  name: 'validator.states',
  text: `
    SELECT asked.place::int, c.revision + v.revision AS revision, v.event_seq
    FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS asked (account_id, chat_id, place)
    CROSS JOIN LATERAL (
      SELECT * FROM chats WHERE account_id = asked.account_id AND chat_id = asked.chat_id AND deleted_at IS NULL LIMIT 1
    ) c
    CROSS JOIN LATERAL (SELECT * FROM conversations WHERE account_id = asked.account_id AND chat_id = c.root_chat_id LIMIT 1) v`,
};

interface StateRow {
  [column: string]: unknown;
  place: number;
  revision: number;
  event_seq: number;
}

/** A chat of an account. */
interface ChatKey {
  accountId: string;
  chatId: string;
}

/**
 * Asks PostgreSQL, which alone knows, what state an answer would be made from: a lookup by primary
 * keys.
 */
@Injectable()
export class Validators {
  private readonly states = new Together<ChatKey, StateRow>(Infinity, (asked) => this.find(asked));

  constructor(private readonly database: Database) {}

  /** The state of a chat, or of its tree; null when the account has no such chat. */
  async stateOf(kind: ValidatorKind, accountId: string, chatId: string): Promise<string | null> {
    const row = await this.states.ask({ accountId, chatId });
    if (!row) return null;
    return kind === 'chat' ? chatState(row.revision) : treeState(row.event_seq);
  }

  private async find(asked: readonly ChatKey[]): Promise<Map<number, StateRow>> {
    const rows = await this.database.query<StateRow>(STATES, [
      asked.map(({ accountId }) => accountId),
      asked.map(({ chatId }) => chatId),
    ]);
    return new Map(rows.map((row) => [row.place, row]));
  }
}
