import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { isUuid } from '../../common/ids.js';
import { problems } from '../../common/problems.js';
import { Database, type Statement } from '../../database/database.js';
import { isUniqueViolation } from '../../runtime/pg-errors.js';

/** What a chat is called here. */
export interface ChatNames {
  chat_id: number;
  chat_uuid: string;
}

/**
 * Of a living chat without a number; for others no row. The counter's row stays locked until the
 * commit: whoever comes next takes the next number, and a number that is not used is given back.
 * The chat is locked before it, so that nobody waits for a chat under that lock.
 */
const ASSIGN: Statement = {
  name: 'chat_number.assign',
  text: `
    WITH chat AS (
      SELECT chat_id FROM chats WHERE account_id = $1 AND chat_id = $2::uuid AND deleted_at IS NULL FOR KEY SHARE
    ),
    counter AS (
      INSERT INTO chat_number_counters AS c (account_id, last) SELECT $1, 1 FROM chat
      ON CONFLICT (account_id) DO UPDATE SET last = c.last + 1 RETURNING last
    )
    INSERT INTO chat_numbers (account_id, number, chat_id) SELECT $1, last, chat_id FROM counter, chat RETURNING number, chat_id`,
};

const BY_NUMBER: Statement = {
  name: 'chat_number.by_number',
  text: `SELECT number, chat_id FROM chat_numbers WHERE account_id = $1 AND number = $2::int`,
};
const BY_UUID: Statement = {
  name: 'chat_number.by_uuid',
  text: `SELECT number, chat_id FROM chat_numbers WHERE account_id = $1 AND chat_id = $2::uuid`,
};

const BY_UUIDS: Statement = {
  name: 'chat_number.by_uuids',
  text: `SELECT number, chat_id FROM chat_numbers WHERE account_id = $1 AND chat_id = ANY ($2::uuid[])`,
};

/** The largest number that PostgreSQL's `integer` holds. */
const NUMBER_MAX = 2_147_483_647;

/** Gives chats their numbers, and finds them by these. */
@Injectable()
export class ChatNumbersService {
  constructor(private readonly database: Database) {}

  /** Numbers the chat, in the transaction that makes it. */
  async assign(tx: EntityManager, accountId: string, chatId: string): Promise<number> {
    const [row] = await tx.query<{ number: number; chat_id: string }[]>(ASSIGN.text, [
      accountId,
      chatId,
    ]);
    return row!.number;
  }

  /**
   * Both names of a chat by one of them: a number or a UUID. A chat that was made elsewhere gets
   * its number when it is first named here.
   * @throws chat_not_found where there is none; a deleted chat keeps its number, and is found
   */
  async find(accountId: string, name: string): Promise<ChatNames> {
    if (isUuid(name)) {
      const found =
        (await this.lookUp(BY_UUID, accountId, name)) ?? (await this.number(accountId, name));
      if (!found) throw problems.chatNotFound();
      return found;
    }
    const number = Number(name);
    const found =
      number >= 1 && number <= NUMBER_MAX ? await this.lookUp(BY_NUMBER, accountId, number) : null;
    if (!found) throw problems.chatNotFound();
    return found;
  }

  /** Of several chats, by their UUIDs; without those that are gone. */
  async findAll(accountId: string, chatIds: readonly string[]): Promise<Map<string, ChatNames>> {
    const wanted = [...new Set(chatIds)];
    const rows = await this.database.query<{ number: number; chat_id: string }>(BY_UUIDS, [
      accountId,
      wanted,
    ]);
    const names = new Map(
      rows.map((row) => [row.chat_id, { chat_id: row.number, chat_uuid: row.chat_id }]),
    );
    for (const chatId of wanted.filter((id) => !names.has(id))) {
      const made = await this.number(accountId, chatId);
      if (made) names.set(chatId, made);
    }
    return names;
  }

  private async number(accountId: string, chatId: string): Promise<ChatNames | null> {
    try {
      return await this.lookUp(ASSIGN, accountId, chatId);
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
      return this.lookUp(BY_UUID, accountId, chatId); // somebody was quicker
    }
  }

  private async lookUp(
    statement: Statement,
    accountId: string,
    name: string | number,
  ): Promise<ChatNames | null> {
    const [row] = await this.database.query<{ number: number; chat_id: string }>(statement, [
      accountId,
      name,
    ]);
    return row ? { chat_id: row.number, chat_uuid: row.chat_id } : null;
  }
}
