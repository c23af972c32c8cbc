import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { Database, type Statement } from '../../database/database.js';

const ROOTS_MAX = 50_000;
const FIND_ROOT: Statement = {
  name: 'chat.root',
  text: 'SELECT root_chat_id FROM chats WHERE account_id = $1 AND chat_id = $2',
};

/** Which conversation a chat belongs to. That never changes, so it is looked up once. */
@Injectable()
export class RootsService {
  private readonly roots = new LRUCache<string, string>({ max: ROOTS_MAX });

  constructor(private readonly database: Database) {}

  /**
   * The root of a chat that was asked for before. Says nothing about rights: use it to sort work,
   * never to decide it.
   */
  known(chatId: string): string | undefined {
    return this.roots.get(chatId);
  }

  /** Notes the root of a chat that is being made. */
  learn(chatId: string, rootChatId: string): void {
    this.roots.set(chatId, rootChatId);
  }

  /** The root of a chat, also of a deleted one; null when the account has no such chat. */
  async find(accountId: string, chatId: string): Promise<string | null> {
    const known = this.roots.get(chatId);
    if (known !== undefined) return known;
    const [found] = await this.database.query<{ root_chat_id: string }>(FIND_ROOT, [
      accountId,
      chatId,
    ]);
    if (found) this.roots.set(chatId, found.root_chat_id);
    return found?.root_chat_id ?? null;
  }
}
