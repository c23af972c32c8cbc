/** How the pairs of a tree become chats: pure, no database, no clock. */

/** A pair and the pair that it follows; null where it is a first one. */
export interface PlannedPair {
  readonly key: string;
  readonly parentKey: string | null;
}

/** Where a pair is that was brought in before. */
export interface KnownPair {
  readonly chatId: string;
  readonly seq: number;
}

/** Chats of this plan are known by their place in it, others by their id. */
export type PlannedChat = number | { readonly chatId: string };

/** A stretch of pairs that go into one chat. */
export interface PlanLine {
  /** `root`: a new conversation; `branch`: a new chat; `longer`: at the end of a chat. */
  readonly kind: 'root' | 'branch' | 'longer';
  /** The chat that owns the pair before it, or that is made longer; null for a root. */
  readonly chat: PlannedChat | null;
  /** `seq` of the pair before its first one. */
  readonly forkSeq: number;
  /** The pair before its first one; null where that is none. */
  readonly forkKey: string | null;
  readonly keys: string[];
}

export interface Plan {
  /** Each behind the chat that it hangs at. */
  lines: PlanLine[];
  /** The line, or the chat, at whose end the head is; null where the head is no end of a chat. */
  head: PlannedChat | null;
}

/** What is there already, of a conversation that was brought in before. */
export interface EarlierImport {
  /** By key. */
  readonly pairs: ReadonlyMap<string, KnownPair>;
  /** Whether a chat may be made longer behind that `seq`: it is its end, and nobody has a claim. */
  isOpenEnd(chatId: string, seq: number): boolean;
  /** The root of the conversation. */
  readonly rootChatId: string;
}

/**
 * Lays the pairs of a tree out as chats. The way to the head is one chat that ends there; each
 * other pair that follows one of a chat begins a branch, which takes the first that follows, and so
 * on. Of a conversation that is there already only what is new is laid out: at the end of a chat
 * where the pair before it is one, else as a branch.
 * @param pairs each behind its parent, siblings in their order
 */
export function planOf(
  pairs: readonly PlannedPair[],
  head: string | null,
  present: EarlierImport | null = null,
): Plan {
  return new Planner(pairs, head, present).plan();
}

interface Spot {
  readonly chat: PlannedChat;
  readonly seq: number;
}

class Planner {
  private readonly byKey: Map<string, PlannedPair>;
  private readonly following = new Map<string | null, string[]>();
  private readonly spots = new Map<string, Spot>();
  private readonly taken = new Set<string>();
  private readonly lines: PlanLine[] = [];
  /** Pairs on the way to the head. */
  private readonly main = new Set<string>();

  constructor(
    pairs: readonly PlannedPair[],
    private readonly head: string | null,
    private readonly present: EarlierImport | null,
  ) {
    this.byKey = new Map(pairs.map((pair) => [pair.key, pair]));
    for (const { key, parentKey } of pairs) {
      const others = this.following.get(parentKey);
      if (others) others.push(key);
      else this.following.set(parentKey, [key]);
    }
    for (let at = head; at !== null; at = this.byKey.get(at)!.parentKey) this.main.add(at);
    for (const [key, { chatId, seq }] of present?.pairs ?? [])
      this.spots.set(key, { chat: { chatId }, seq });
  }

  plan(): Plan {
    // The way to the head goes first. Pairs are behind their parents, so every pair that begins a
    // line is met behind what it follows.
    for (const key of [...[...this.main].reverse(), ...this.byKey.keys()])
      if (!this.spots.has(key)) this.begin(key);
    return { lines: this.lines, head: this.headChat() };
  }

  /** A line from that pair on. */
  private begin(key: string): void {
    const { parentKey } = this.byKey.get(key)!;
    const line = this.lineBehind(parentKey);
    this.lines.push(line);
    const chat = line.kind === 'longer' ? line.chat! : this.lines.length - 1;
    let seq = line.forkSeq;
    for (let at: string | undefined = key; at !== undefined; at = this.next(at)) {
      line.keys.push(at);
      this.spots.set(at, { chat, seq: ++seq });
    }
  }

  private lineBehind(forkKey: string | null): PlanLine {
    const keys: string[] = [];
    if (forkKey === null) {
      if (this.present) return this.branchOf({ chatId: this.present.rootChatId }, 0, null);
      return this.lines.length === 0
        ? { kind: 'root', chat: null, forkSeq: 0, forkKey, keys }
        : this.branchOf(0, 0, null);
    }
    const { chat, seq } = this.spots.get(forkKey)!;
    if (typeof chat === 'number' || this.taken.has(chat.chatId))
      return this.branchOf(chat, seq, forkKey);
    if (!this.present!.isOpenEnd(chat.chatId, seq)) return this.branchOf(chat, seq, forkKey);
    this.taken.add(chat.chatId);
    return { kind: 'longer', chat, forkSeq: seq, forkKey, keys };
  }

  private branchOf(chat: PlannedChat, forkSeq: number, forkKey: string | null): PlanLine {
    return { kind: 'branch', chat, forkSeq, forkKey, keys: [] };
  }

  /** What a line goes on with: the way to the head ends at the head. */
  private next(key: string): string | undefined {
    if (key === this.head) return undefined;
    return this.mainFirst(key).find((one) => !this.spots.has(one));
  }

  private mainFirst(key: string | null): string[] {
    const others = this.following.get(key) ?? [];
    const main = others.find((one) => this.main.has(one));
    return main === undefined ? others : [main, ...others.filter((one) => one !== main)];
  }

  private headChat(): PlannedChat | null {
    if (this.head === null) return null;
    const { chat, seq } = this.spots.get(this.head)!;
    if (typeof chat !== 'number') {
      const longer = this.lines.find(
        ({ kind, chat: its }) => kind === 'longer' && sameChat(its, chat),
      );
      if (longer) return longer.keys.at(-1) === this.head ? chat : null;
      return this.present!.isOpenEnd(chat.chatId, seq) ? chat : null;
    }
    return this.lines[chat]!.keys.at(-1) === this.head ? chat : null;
  }
}

const sameChat = (one: PlannedChat | null, other: { chatId: string }): boolean =>
  typeof one === 'object' && one !== null && one.chatId === other.chatId;
