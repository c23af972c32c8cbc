/**
 * The rules of the tree, pure: no database, no clock. `seq` counts pairs along a path from 1; a
 * chat owns the pairs with `seq > forkSeq`, its ancestors own the others.
 */

/** What never changes about a chat: where it hangs. */
export interface Link {
  readonly chatId: string;
  /** Owner of the pair forked from; null for a root. */
  readonly parentChatId: string | null;
  /** `seq` of the last inherited pair; 0 for a root. */
  readonly forkSeq: number;
  /** Forks between this chat and the root. */
  readonly depth: number;
  /**
   * Skew-binary jump pointer (Myers, "An applicative random-access stack", 1983); a root points to
   * itself.
   */
  readonly jumpChatId: string;
}

/** The pairs `from..to` of a path that one chat owns. */
export interface Stretch {
  readonly chatId: string;
  readonly from: number;
  readonly to: number;
}

/** A range of `seq`, both ends included; empty when `from > to`. */
export interface Window {
  readonly from: number;
  readonly to: number;
}

export type FindLink = (chatId: string) => Link;

/**
 * Where the jump pointer of a new child of `parent` goes: over the parent's two last jumps when
 * they are of one length, else to the parent. So any ancestor is reached in O(log depth) steps,
 * with one pointer a chat and nothing rewritten on a fork.
 */
export function jumpOfChild(parent: Link, find: FindLink): string {
  const jump = find(parent.jumpChatId);
  const jumpOfJump = find(jump.jumpChatId);
  const equalLengths = parent.depth - jump.depth === jump.depth - jumpOfJump.depth;
  return equalLengths ? jumpOfJump.chatId : parent.chatId;
}

/** Cuts a window of the path of `tip` into the stretches each chat owns, oldest first. */
export function stretchesOf(tip: Link, window: Window, find: FindLink): Stretch[] {
  const stretches: Stretch[] = [];
  let { to } = window;
  for (let at = tip; ; at = nextOwner(at, to, find)) {
    if (at.forkSeq < to)
      stretches.unshift({ chatId: at.chatId, from: Math.max(window.from, at.forkSeq + 1), to });
    to = Math.min(to, at.forkSeq);
    if (to < window.from) return stretches;
  }
}

/**
 * One step towards the owner of `seq`: along the jump pointer when its target does not own `seq`
 * either, else to the parent.
 */
function nextOwner(at: Link, seq: number, find: FindLink): Link {
  const jump = find(at.jumpChatId);
  return jump.forkSeq >= seq ? jump : find(at.parentChatId!);
}

/** The chat that owns the pair at `seq` on the path of `tip`. */
export function ownerOf(tip: Link, seq: number, find: FindLink): string {
  return stretchesOf(tip, { from: seq, to: seq }, find)[0]!.chatId;
}

/** A chat with the length of its path. */
export interface Line extends Pick<Link, 'chatId' | 'forkSeq'> {
  readonly lastSeq: number;
}

/**
 * How many pairs, from the first on, two paths share. Both lineages are root first and of one tree.
 */
export function sharedLength(left: readonly Line[], right: readonly Line[]): number {
  let common = 0;
  while (common < left.length && left[common]?.chatId === right[common]?.chatId) common++;
  const reach = (lineage: readonly Line[]): number =>
    lineage[common]?.forkSeq ?? lineage[common - 1]!.lastSeq;
  return Math.min(reach(left), reach(right));
}
