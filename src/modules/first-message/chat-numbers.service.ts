import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { isUuid } from '../../common/ids.js';
import { problems } from '../../common/problems.js';
import { Database, type Statement } from '../../database/database.js';

/** What a chat is called here. */
export interface ChatNames {
  /** Null for a chat that was made elsewhere. */
  chat_id: number | null;
  chat_uuid: string;
}

/** The counter's row stays locked until the commit: whoever comes next takes the next number, and a number that is not used is given back. */
const ASSIGN = `
  WITH counter AS (
    INSERT INTO chat_number_counters AS c (account_id, last) VALUES ($1, 1)
    ON CONFLICT (account_id) DO UPDATE SET last = c.last + 1 RETURNING last
  )
  INSERT INTO chat_numbers (account_id, number, chat_id) SELECT $1, last, $2 FROM counter RETURNING number`;

const BY_NUMBER: Statement = {
  name: 'chat_number.by_number',
  text: `SELECT number, chat_id FROM chat_numbers WHERE account_id = $1 AND number = $2::int`,
};
const BY_UUID: Statement = {
  name: 'chat_number.by_uuid',
  text: `SELECT number, chat_id FROM chat_numbers WHERE account_id = $1 AND chat_id = $2::uuid`,
};

/** The largest number that PostgreSQL's `integer` holds. */
const NUMBER_MAX = 2_147_483_647;

/** Gives chats their numbers, and finds them by these. */
@Injectable()
export class ChatNumbersService {
  constructor(private readonly database: Database) {}

  /** Numbers the chat, in the transaction that makes it. */
  async assign(tx: EntityManager, accountId: string, chatId: string): Promise<number> {
    const [row] = await tx.query<{ number: number }[]>(ASSIGN, [accountId, chatId]);
    return row!.number;
  }

  /**
   * Both names of a chat by one of them: a number or a UUID. Whether a chat with that UUID exists is not looked at.
   * @throws chat_not_found for a number that no chat has
   */
  async find(accountId: string, name: string): Promise<ChatNames> {
    if (isUuid(name)) {
      const found = await this.lookUp(BY_UUID, accountId, name);
      return found ?? { chat_id: null, chat_uuid: name };
    }
    const number = Number(name);
    const found = number >= 1 && number <= NUMBER_MAX ? await this.lookUp(BY_NUMBER, accountId, number) : null;
    if (!found) throw problems.chatNotFound();
    return found;
  }

  private async lookUp(statement: Statement, accountId: string, name: string | number): Promise<ChatNames | null> {
    const [row] = await this.database.query<{ number: number; chat_id: string }>(statement, [accountId, name]);
    return row ? { chat_id: row.number, chat_uuid: row.chat_id } : null;
  }
}
