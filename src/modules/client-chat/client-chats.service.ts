import { Injectable } from '@nestjs/common';
import { isUuid } from '../../common/ids.js';
import { problems } from '../../common/problems.js';
import { Database, type Statement } from '../../database/database.js';
import { ChatService } from '../chat/chat.service.js';
import { ClientChat } from './client-chat.entity.js';

/**
 * A chat by its own id or by the one that a client made up; `living` is false for a deleted one.
 */
const FIND: Statement = {
  name: 'client_chat.find',
  text: `
    SELECT c.chat_id, c.deleted_at IS NULL AS living FROM chats c
    WHERE c.account_id = $1
      AND c.chat_id = coalesce((SELECT n.chat_id FROM client_chats n WHERE n.account_id = $1 AND n.client_chat_id = $2), $3::uuid)`,
};
/**
 * One of two that make a chat for the same id at once waits here for the other's commit, and then
 * makes none.
 */
const CLAIM = `SELECT pg_advisory_xact_lock(hashtextextended($1::text || $2::text, 0))`;
const NAMES: Statement = {
  name: 'client_chat.names',
  text: `SELECT chat_id, min(client_chat_id) AS name FROM client_chats WHERE account_id = $1 AND chat_id = ANY ($2) GROUP BY chat_id`,
};

interface ChatIdRow {
  [column: string]: unknown;
  chat_id: string;
  living: boolean;
}

/**
 * Finds chats by the ids that clients say: a `chat_id` of ours, or any text that a client made up
 * for a chat of its own.
 */
@Injectable()
export class ClientChatsService {
  constructor(
    private readonly database: Database,
    private readonly chats: ChatService,
  ) {}

  /** The chat of that name. @throws chat_not_found */
  async find(accountId: string, name: string): Promise<string> {
    const found = await this.findLiving(accountId, name);
    if (found === null) throw problems.chatNotFound();
    return found;
  }

  /** The same; null where there is none. */
  async findLiving(accountId: string, name: string): Promise<string | null> {
    const found = await this.lookUp(accountId, name);
    return found?.living ? found.chat_id : null;
  }

  /** What clients call these chats, by their ids; those that have such a name. */
  async namesOf(accountId: string, chatIds: readonly string[]): Promise<Map<string, string>> {
    const rows = await this.database.query<{ chat_id: string; name: string }>(NAMES, [
      accountId,
      chatIds,
    ]);
    return new Map(rows.map(({ chat_id, name }) => [chat_id, name]));
  }

  /**
   * The chat of that name; a new one when the account has none. Somebody else's `chat_id` is a name
   * like any other: it gets a chat of one's own, as one that nobody has would. @throws
   * chat_not_found when it is deleted
   */
  async findOrMake(accountId: string, name: string): Promise<string> {
    const found = await this.lookUp(accountId, name);
    if (!found) return this.make(accountId, name);
    if (!found.living) throw problems.chatNotFound();
    return found.chat_id;
  }

  private async make(accountId: string, name: string): Promise<string> {
    return this.database.transaction(async (tx) => {
      await tx.query(CLAIM, [accountId, name]);
      const [made] = await tx.query<ChatIdRow[]>(FIND.text, [accountId, name, null]);
      if (made) return made.chat_id;
      const { chat_id: chatId } = await this.chats.create(tx, accountId, {});
      await tx.insert(ClientChat, { accountId, clientChatId: name, chatId });
      return chatId;
    });
  }

  private async lookUp(accountId: string, name: string): Promise<ChatIdRow | null> {
    const [found] = await this.database.query<ChatIdRow>(FIND, [
      accountId,
      name,
      isUuid(name) ? name : null,
    ]);
    return found ?? null;
  }
}
