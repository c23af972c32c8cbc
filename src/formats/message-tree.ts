import type { SourceMessage, SourceTree, Tally } from './source.js';

/** Messages in which something was said, as a tree. */
export interface MessageTree {
  /** Every message behind its parent. */
  messages: TreeMessage[];
  /** Null where there is no message. */
  head: TreeMessage | null;
}

export interface TreeMessage extends SourceMessage {
  parent: TreeMessage | null;
  following: TreeMessage[];
  /** Its place in the order of its source. */
  place: number;
}

/**
 * Makes a tree of what a source says: whoever names a parent that is not there becomes a first
 * message, a circle is cut at its first one, and what follows a message without parts follows the
 * message before that. Order is that of the source, never of a clock. It is walked without calls of
 * itself: a conversation may be as deep as it is long.
 */
export function treeOf(source: SourceTree, tally: Tally): MessageTree {
  const nodes = nodesOf(source.messages, tally);
  link(nodes, tally);
  cutCircles(nodes, tally);
  orderAll(nodes);
  const kept = inOrder(nodes).filter((node) => node.parts.length > 0);
  tally.add('empty_messages', nodes.size - kept.length);
  const head = headOf(source.head, nodes, kept);
  const tree = contracted(kept);
  return { messages: tree, head };
}

function nodesOf(messages: readonly SourceMessage[], tally: Tally): Map<string, TreeMessage> {
  const nodes = new Map<string, TreeMessage>();
  for (const [place, message] of messages.entries()) {
    if (nodes.has(message.id)) tally.add('duplicate_messages');
    else nodes.set(message.id, { ...message, parent: null, following: [], place });
  }
  return nodes;
}

/** Parents as messages say them, or else as those do that say whom they are followed by. */
function link(nodes: Map<string, TreeMessage>, tally: Tally): void {
  const saidBy = new Map<string, TreeMessage>();
  for (const node of nodes.values())
    for (const id of node.children ?? []) if (!saidBy.has(id)) saidBy.set(id, node);
  for (const node of nodes.values()) {
    const parent = node.parentId === null ? undefined : nodes.get(node.parentId);
    const said = saidBy.get(node.id);
    if (parent) node.parent = parent;
    else if (said && said !== node) node.parent = said;
    else if (node.parentId !== null) tally.add('missing_parents');
  }
}

function cutCircles(nodes: Map<string, TreeMessage>, tally: Tally): void {
  const safe = new Set<TreeMessage>();
  for (const node of nodes.values()) {
    const way = new Set<TreeMessage>();
    let at: TreeMessage | null = node;
    while (at && !safe.has(at)) {
      if (way.has(at)) {
        tally.add('circles');
        at.parent = null;
        break;
      }
      way.add(at);
      at = at.parent;
    }
    for (const one of way) safe.add(one);
  }
}

function orderAll(nodes: Map<string, TreeMessage>): void {
  for (const node of nodes.values()) node.parent?.following.push(node);
  for (const node of nodes.values()) {
    if (!node.children || node.following.length < 2) continue;
    const rank = new Map(node.children.map((id, n) => [id, n]));
    const rankOf = ({ id }: TreeMessage): number => rank.get(id) ?? Infinity;
    node.following.sort((a, b) => {
      const [left, right] = [rankOf(a), rankOf(b)];
      return left === right ? a.place - b.place : left - right;
    });
  }
}

/** Each message behind its parent, siblings in their order. */
function inOrder(nodes: Map<string, TreeMessage>): TreeMessage[] {
  const found = [...nodes.values()].filter(({ parent }) => parent === null);
  for (let n = 0; n < found.length; n++) for (const one of found[n]!.following) found.push(one);
  return found;
}

/** The last message that its person saw; else the newest of those that nothing follows. */
function headOf(
  said: string | null,
  nodes: Map<string, TreeMessage>,
  kept: readonly TreeMessage[],
): TreeMessage | null {
  let head = said === null ? null : (nodes.get(said) ?? null);
  while (head && head.parts.length === 0) head = head.parent;
  return head ?? newest(kept);
}

function newest(kept: readonly TreeMessage[]): TreeMessage | null {
  let best: TreeMessage | null = null;
  const timeOf = ({ at }: TreeMessage): number => at?.getTime() ?? -1;
  for (const node of kept) {
    if (node.following.some((one) => one.parts.length > 0)) continue;
    if (!best || timeOf(node) > timeOf(best)) best = node;
    else if (timeOf(node) === timeOf(best) && node.place > best.place) best = node;
  }
  return best;
}

/** Messages without parts are left out of the way between the others. */
function contracted(kept: TreeMessage[]): TreeMessage[] {
  for (const node of kept)
    while (node.parent && node.parent.parts.length === 0) node.parent = node.parent.parent;
  for (const node of kept) node.following = followingOf(node);
  return kept;
}

function followingOf(node: TreeMessage): TreeMessage[] {
  const found: TreeMessage[] = [];
  const waiting = [...node.following].reverse();
  while (waiting.length > 0) {
    const one = waiting.pop()!;
    if (one.parts.length > 0) found.push(one);
    else for (const inner of [...one.following].reverse()) waiting.push(inner);
  }
  return found;
}
