import { Injectable } from '@nestjs/common';
import { Database, type Statement } from '../database/database.js';
import { requestDeadline, under } from '../runtime/deadline.js';
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

/** Chats that are asked for together. */
interface Batch {
  accountIds: string[];
  chatIds: string[];
  /** By their places. */
  states: Promise<Map<number, StateRow>>;
}

/**
 * Asks PostgreSQL, which alone knows, what state an answer would be made from: a lookup by primary
 * keys. All who ask in one turn of the event loop share a statement: under load its round trip
 * costs more than the look-up and than all else that is done for an answer which is kept.
 */
@Injectable()
export class Validators {
  private batch: Batch | null = null;

  constructor(private readonly database: Database) {}

  /** The state of a chat, or of its tree; null when the account has no such chat. */
  async stateOf(kind: ValidatorKind, accountId: string, chatId: string): Promise<string | null> {
    const batch = (this.batch ??= this.openBatch());
    batch.accountIds.push(accountId);
    const place = batch.chatIds.push(chatId);
    const row = (await batch.states).get(place);
    if (!row) return null;
    return kind === 'chat' ? chatState(row.revision) : treeState(row.event_seq);
  }

  private openBatch(): Batch {
    const [accountIds, chatIds]: [string[], string[]] = [[], []];
    // The first has waited longest: its deadline is that of the statement.
    const limit = requestDeadline();
    const states = new Promise<Map<number, StateRow>>((resolve) => {
      setImmediate(() => {
        this.batch = null;
        resolve(under(limit, () => this.find(accountIds, chatIds)));
      });
    });
    return { accountIds, chatIds, states };
  }

  private async find(accountIds: string[], chatIds: string[]): Promise<Map<number, StateRow>> {
    const rows = await this.database.query<StateRow>(STATES, [accountIds, chatIds]);
    return new Map(rows.map((row) => [row.place, row]));
  }
}
