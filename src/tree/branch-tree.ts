/** A chat as the tree of a conversation shows it. */
export interface Leaf {
  readonly chatId: string;
  readonly parentChatId: string | null;
  readonly deleted: boolean;
  /** Forks between this chat and the root, those of deleted chats too. */
  readonly depth: number;
}

/** A chat that was read for a page of a tree. */
export interface Read extends Leaf {
  /**
   * Of the page, or an ancestor that it is shown with; others are here so that somebody's nearest
   * living ancestor can be named.
   */
  readonly shown: boolean;
}

export interface Branch<T extends Leaf> {
  readonly chat: T;
  /** Its nearest living ancestor, which need not be on the page; null for the root. */
  readonly parentChatId: string | null;
  readonly children: Branch<T>[];
}

/**
 * Chats nested in one answer at most. Each is an object in an array, two levels of JSON, and the
 * last has an empty array: 63, where .NET's
 * `System.Text.Json` takes 64 and most others more.
 */
export const NESTING_MAX = 31;
/** Chats of one answer at most, ancestors too. */
export const NODES_MAX = 1000;

/** The depths that one page shows, both included. */
export interface Band {
  readonly from: number;
  readonly to: number;
}

/** Below the first band the root and one ancestor take the place of all that is above. */
export const BAND_DEPTHS = NESTING_MAX - 2;

/** The band of a depth: a page of one band is never nested deeper than `NESTING_MAX`. */
export function bandOf(depth: number): Band {
  if (depth < NESTING_MAX) return { from: 0, to: NESTING_MAX - 1 };
  const from = depth - ((depth - NESTING_MAX) % BAND_DEPTHS);
  return { from, to: from + BAND_DEPTHS - 1 };
}

/** Where a chat is in its tree. */
export type TreePlace = Pick<Leaf, 'depth' | 'chatId'>;

/**
 * Chats are in the order of their depth, then of their making: so a parent always comes before its
 * children, and nothing ever moves.
 */
export const inOrder = (a: TreePlace, b: TreePlace): number =>
  a.depth - b.depth || (a.chatId < b.chatId ? -1 : Number(a.chatId > b.chatId));

/** The nearest living ancestor, among chats that were read; null when there is none. */
export function livingAbove<T extends Leaf>(chat: T, chats: ReadonlyMap<string, T>): string | null {
  for (let at = chat.parentChatId; at !== null;) {
    const above = chats.get(at);
    if (!above) return null;
    if (!above.deleted) return at;
    at = above.parentChatId;
  }
  return null;
}

/** Chats of a page, flat. */
export const flatPage = <T extends Leaf>(
  own: readonly T[],
  chats: ReadonlyMap<string, T>,
): Branch<T>[] =>
  own.map((chat) => ({ chat, parentChatId: livingAbove(chat, chats), children: [] }));

/**
 * A page as a tree: its chats with the ancestors that they hang under. Where an ancestor is not
 * shown, the nearest that is stands in its place.
 * @param own the chats of the page in order; those that are of another band than the first, or too
 * many, are left for a further page
 * @returns the tree, and the last chat of `own` that it has
 */
export function nestedPage<T extends Read>(
  own: readonly T[],
  root: T,
  chats: ReadonlyMap<string, T>,
): { tree: Branch<T>; last: T | null } {
  const band = bandOf(own[0]?.depth ?? 0);
  const kept = new Map([[root.chatId, root]]);
  let last: T | null = null;
  for (const chat of own) {
    if (chat.depth > band.to) break;
    const more = [chat, ...shownAbove(chat, kept, chats)].filter(({ chatId }) => !kept.has(chatId));
    if (kept.size + more.length > NODES_MAX) break;
    for (const one of more) kept.set(one.chatId, one);
    last = chat;
  }
  return { tree: hang([...kept.values()].sort(inOrder), root, band, chats), last };
}

/** The ancestors that are to be shown and are not yet. */
function shownAbove<T extends Read>(
  chat: T,
  kept: ReadonlyMap<string, T>,
  chats: ReadonlyMap<string, T>,
): T[] {
  const found: T[] = [];
  for (let at = livingAbove(chat, chats); at !== null && !kept.has(at);) {
    const above = chats.get(at)!;
    if (!above.shown) break;
    found.push(above);
    at = livingAbove(above, chats);
  }
  return found;
}

function hang<T extends Leaf>(
  kept: readonly T[],
  root: T,
  band: Band,
  chats: ReadonlyMap<string, T>,
): Branch<T> {
  const top: Branch<T> = { chat: root, parentChatId: null, children: [] };
  const places = new Map([[root.chatId, top]]);
  for (const chat of kept) {
    if (chat === root) continue;
    const parentChatId = livingAbove(chat, chats);
    const branch: Branch<T> = { chat, parentChatId, children: [] };
    // What is above the band hangs at the root, each by itself: so the nesting is bounded whatever
    // was deleted between them.
    const place = chat.depth < band.from ? top : (places.get(parentChatId ?? '') ?? top);
    place.children.push(branch);
    places.set(chat.chatId, branch);
  }
  return top;
}

/** The chat itself or its nearest ancestor that is not deleted; null when there is none. */
export function nearestLiving<T extends Pick<Leaf, 'parentChatId' | 'deleted'>>(
  chatId: string,
  find: (chatId: string) => T,
): T | null {
  for (let at = find(chatId); ; at = find(at.parentChatId!)) {
    if (!at.deleted) return at;
    if (at.parentChatId === null) return null;
  }
}
