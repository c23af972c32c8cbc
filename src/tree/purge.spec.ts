import fc from 'fast-check';
import { type Mortal, purgePlan } from './purge.js';

interface Node extends Mortal {
  expired: boolean;
  lastSeq: number;
}

type Step = { kind: 'append' | 'fork'; chat: number; at: number };

const steps = fc.array(
  fc.record({
    kind: fc.constantFrom<'append' | 'fork'>('append', 'append', 'fork'),
    chat: fc.nat(),
    at: fc.nat(),
  }),
  {
    maxLength: 80,
  },
);
const ownerIn = (pair: string): string => pair.split('#')[0]!;

/** Trees in which every chat has a copy of its path, so that what it can read needs no rule. */
function grow(script: readonly Step[]): { nodes: Node[]; paths: Map<string, string[]> } {
  const nodes: Node[] = [
    { chatId: 'c0', parentChatId: null, forkSeq: 0, lastSeq: 0, expired: false },
  ];
  const paths = new Map<string, string[]>([['c0', []]]);
  for (const { kind, chat, at } of script) {
    const node = nodes[chat % nodes.length]!;
    const path = paths.get(node.chatId)!;
    if (kind === 'append') path.push(`${node.chatId}#${++node.lastSeq}`);
    else {
      const forkSeq = at % (path.length + 1);
      const chatId = `c${nodes.length}`;
      nodes.push({
        chatId,
        parentChatId: forkSeq === 0 ? 'c0' : ownerIn(path[forkSeq - 1]!),
        forkSeq,
        lastSeq: forkSeq,
        expired: false,
      });
      paths.set(chatId, path.slice(0, forkSeq));
    }
  }
  return { nodes, paths };
}

const pairsOf = ({ chatId, forkSeq, lastSeq }: Mortal): string[] =>
  Array.from({ length: lastSeq - forkSeq }, (_, i) => `${chatId}#${forkSeq + 1 + i}`);

describe('the purge', () => {
  it('takes exactly the pairs of expired chats that no other chat can read, and the chats below which nothing stays', () => {
    fc.assert(
      fc.property(steps, fc.array(fc.nat(), { maxLength: 12 }), (script, deletions) => {
        const { nodes, paths } = grow(script);
        for (const n of deletions) nodes[n % nodes.length]!.expired = true;
        const dooms = new Map(purgePlan(nodes).map((doom) => [doom.chatId, doom]));
        const readable = new Set(
          nodes.filter((node) => !node.expired).flatMap((node) => paths.get(node.chatId)!),
        );
        for (const node of nodes) {
          const keepTo = dooms.get(node.chatId)?.keepTo ?? node.lastSeq;
          const kept = pairsOf(node).filter((pair) => Number(pair.split('#')[1]) <= keepTo);
          expect(kept).toEqual(pairsOf(node).filter((pair) => !node.expired || readable.has(pair)));
        }
        const staying = nodes.filter((node) => !dooms.get(node.chatId)?.whole);
        for (const node of staying)
          expect(node.parentChatId === null || !dooms.get(node.parentChatId)?.whole).toBe(true);
        for (const node of staying.filter(({ expired }) => expired)) {
          expect(staying.some(({ parentChatId }) => parentChatId === node.chatId)).toBe(true);
        }
      }),
      { numRuns: 3000 },
    );
  });

  it('names a branch before the chat it hangs at, so that rows can go in this order', () => {
    const chats = grow([
      { kind: 'append', chat: 0, at: 0 },
      { kind: 'fork', chat: 0, at: 1 },
    ]).nodes.map((node) => ({ ...node, expired: true }));
    expect(purgePlan(chats).map(({ chatId }) => chatId)).toEqual(['c1', 'c0']);
  });
});
