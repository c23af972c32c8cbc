import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { atMost } from '../../common/at-most.js';
import { Database, type Statement } from '../../database/database.js';

const ROOTS_MAX = 50_000;
const FIND_ROOT: Statement = {
  name: 'chat.root',
  text: 'SELECT root_chat_id FROM chats WHERE account_id = $1 AND chat_id = $2',
};

const keyOf = (accountId: string, chatId: string): string => `${accountId}/${chatId}`;

/** Which conversation a chat belongs to. That never changes, so it is looked up once. */
@Injectable()
export class RootsService {
  /** By account first: two accounts may have chosen the same id. */
  private readonly roots = new LRUCache<string, string>(atMost(ROOTS_MAX));

  constructor(private readonly database: Database) {}

  /**
   * The root of a chat that was asked for before. Says nothing about rights: use it to sort work,
   * never to decide it.
   */
  known(accountId: string, chatId: string): string | undefined {
    return this.roots.get(keyOf(accountId, chatId));
  }

  /** Notes the root of a chat that is being made. */
  learn(accountId: string, chatId: string, rootChatId: string): void {
    this.roots.set(keyOf(accountId, chatId), rootChatId);
  }

  /** The root of a chat, also of a deleted one; null when the account has no such chat. */
  async find(accountId: string, chatId: string): Promise<string | null> {
    const known = this.known(accountId, chatId);
    if (known !== undefined) return known;
    const [found] = await this.database.query<{ root_chat_id: string }>(FIND_ROOT, [
      accountId,
      chatId,
    ]);
    if (found) this.learn(accountId, chatId, found.root_chat_id);
    return found?.root_chat_id ?? null;
  }
}
