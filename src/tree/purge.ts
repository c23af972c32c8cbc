/**
 * A chat of one conversation, as the purge sees it. `expired`: it was deleted so long ago that
 * nobody can bring it back.
 */
export interface Mortal {
  readonly chatId: string;
  readonly parentChatId: string | null;
  readonly forkSeq: number;
  readonly lastSeq: number;
  readonly expired: boolean;
}

/**
 * What is to go of an expired chat: all its pairs with `seq > keepTo`, and if `whole` the chat
 * itself.
 */
export interface Doom {
  readonly chatId: string;
  readonly keepTo: number;
  readonly whole: boolean;
}

/**
 * What nobody can reach any more. A chat that is not expired (living, or deleted and still
 * restorable) reads what it inherits, through any number of expired chats; so of an expired chat
 * those pairs stay up to which such a chat forked from it, directly or by one of its branches.
 * @param chats all chats of the conversation, each after its parent.
 * @returns branches before the chats they hang at.
 */
export function purgePlan(chats: readonly Mortal[]): Doom[] {
  /**
   * For a chat with anything below it that stays: the last of its pairs that is read from there.
   */
  const readUpTo = new Map<string, number>();
  const dooms: Doom[] = [];
  for (const chat of [...chats].reverse()) {
    const needed = readUpTo.get(chat.chatId);
    const stays = !chat.expired || needed !== undefined;
    if (stays && chat.parentChatId !== null) {
      readUpTo.set(chat.parentChatId, Math.max(readUpTo.get(chat.parentChatId) ?? 0, chat.forkSeq));
    }
    const keepTo = Math.max(chat.forkSeq, needed ?? 0);
    if (chat.expired && (!stays || chat.lastSeq > keepTo))
      dooms.push({ chatId: chat.chatId, keepTo, whole: !stays });
  }
  return dooms;
}
