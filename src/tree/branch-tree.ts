/** A chat as the tree of a conversation shows it. */
export interface Leaf {
  readonly chatId: string;
  readonly parentChatId: string | null;
  readonly deleted: boolean;
}

export interface Branch<T extends Leaf> {
  readonly chat: T;
  /** The living chat under which it hangs; null for the root. */
  readonly parentChatId: string | null;
  readonly children: Branch<T>[];
}

/**
 * Hangs every living chat under its nearest living ancestor.
 * @param chats all chats of one conversation, deleted ones too, each after its parent.
 * @param levelsMax how many levels below the root are shown.
 * @returns the root, or null when it is deleted.
 */
export function branchTree<T extends Leaf>(chats: readonly T[], levelsMax: number): Branch<T> | null {
  const places = new Map<string, Place<T>>();
  const nowhere: Place<T> = { branch: null, level: -1 };
  let root: Branch<T> | null = null;
  for (const chat of chats) {
    const above = chat.parentChatId === null ? nowhere : (places.get(chat.parentChatId) ?? nowhere);
    if (chat.deleted) {
      places.set(chat.chatId, above);
      continue;
    }
    const branch: Branch<T> = { chat, parentChatId: above.branch?.chat.chatId ?? null, children: [] };
    if (!above.branch) root ??= branch;
    else if (above.level < levelsMax) above.branch.children.push(branch);
    places.set(chat.chatId, { branch, level: above.level + 1 });
  }
  return root;
}

/** Where the children of a chat hang: itself, or its nearest living ancestor. */
interface Place<T extends Leaf> {
  branch: Branch<T> | null;
  level: number;
}

/** The chat itself or its nearest ancestor that is not deleted; null when there is none. */
export function nearestLiving<T extends Leaf>(chatId: string, find: (chatId: string) => T): T | null {
  for (let at = find(chatId); ; at = find(at.parentChatId!)) {
    if (!at.deleted) return at;
    if (at.parentChatId === null) return null;
  }
}
