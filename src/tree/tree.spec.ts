import fc from 'fast-check';
import { branchTree, nearestLiving } from './branch-tree.js';
import { jumpOfChild, type Line, type Link, ownerOf, sharedLength, stretchesOf } from './lineage.js';

interface Node extends Link {
  lastSeq: number;
  deleted: boolean;
}

/** What a fork means, without any cleverness: the branch has a copy of the path up to the fork point. */
interface Model {
  nodes: Map<string, Node>;
  paths: Map<string, string[]>;
}

type Step = { kind: 'append' | 'fork'; chat: number; at: number };

const steps = fc.array(fc.record({ kind: fc.constantFrom<'append' | 'fork'>('append', 'append', 'fork'), chat: fc.nat(), at: fc.nat() }), {
  maxLength: 120,
});
const ownerIn = (pair: string): string => pair.split('#')[0]!;

function grow(script: readonly Step[]): Model {
  const root: Node = { chatId: 'c0', parentChatId: null, forkSeq: 0, depth: 0, jumpChatId: 'c0', lastSeq: 0, deleted: false };
  const model: Model = { nodes: new Map([['c0', root]]), paths: new Map([['c0', []]]) };
  for (const step of script) (step.kind === 'append' ? append : fork)(model, step);
  return model;
}

function append({ nodes, paths }: Model, { chat }: Step): void {
  const node = pick(nodes, chat);
  node.lastSeq++;
  paths.get(node.chatId)!.push(`${node.chatId}#${node.lastSeq}`);
}

function fork({ nodes, paths }: Model, { chat, at }: Step): void {
  const stoodIn = pick(nodes, chat);
  const path = paths.get(stoodIn.chatId)!;
  const forkSeq = at % (path.length + 1);
  const parent = nodes.get(forkSeq === 0 ? 'c0' : ownerIn(path[forkSeq - 1]!))!;
  const chatId = `c${nodes.size}`;
  const jumpChatId = jumpOfChild(parent, (id) => nodes.get(id)!);
  nodes.set(chatId, {
    chatId,
    parentChatId: parent.chatId,
    forkSeq,
    depth: parent.depth + 1,
    jumpChatId,
    lastSeq: forkSeq,
    deleted: false,
  });
  paths.set(chatId, path.slice(0, forkSeq));
}

const pick = (nodes: Map<string, Node>, n: number): Node => [...nodes.values()][n % nodes.size]!;

const lineage = (nodes: Map<string, Node>, chatId: string): Line[] => {
  const node = nodes.get(chatId)!;
  return node.parentChatId === null ? [node] : [...lineage(nodes, node.parentChatId), node];
};

describe('the rules of the tree', () => {
  it('a window of any path is made of exactly the pairs that a copying model has there', () => {
    fc.assert(
      fc.property(steps, fc.nat(), fc.nat(), fc.nat(), (script, chat, a, b) => {
        const { nodes, paths } = grow(script);
        const tip = pick(nodes, chat);
        const path = paths.get(tip.chatId)!;
        const [from, to] = [1 + (a % (path.length + 1)), b % (path.length + 1)];
        const stretches = stretchesOf(tip, { from, to }, (id) => nodes.get(id)!);
        const pairs = stretches.flatMap((s) => Array.from({ length: s.to - s.from + 1 }, (_, i) => `${s.chatId}#${s.from + i}`));
        expect(pairs).toEqual(path.slice(from - 1, Math.max(to, from - 1)));
      }),
      { numRuns: 3000 },
    );
  });

  it('the owner of a pair is found in a logarithmic number of steps however deep the branches are nested', () => {
    const script: Step[] = Array.from({ length: 4096 }, (_, i) => [
      { kind: 'append' as const, chat: i, at: 0 },
      { kind: 'fork' as const, chat: i, at: i + 1 },
    ]).flat();
    const { nodes } = grow(script);
    const tip = nodes.get('c4096')!;
    let lookups = 0;
    const counted = (id: string): Link => (lookups++, nodes.get(id)!);
    for (const seq of [1, 2, 1000, 2048, 4095]) {
      lookups = 0;
      expect(ownerOf(tip, seq, counted)).toBe(`c${seq - 1}`);
      expect(lookups).toBeLessThan(6 * Math.log2(4096));
    }
  });

  it('two paths share exactly their longest common beginning', () => {
    fc.assert(
      fc.property(steps, fc.nat(), fc.nat(), (script, a, b) => {
        const { nodes, paths } = grow(script);
        const [left, right] = [pick(nodes, a).chatId, pick(nodes, b).chatId];
        const [l, r] = [paths.get(left)!, paths.get(right)!];
        let common = 0;
        while (common < l.length && l[common] === r[common]) common++;
        expect(sharedLength(lineage(nodes, left), lineage(nodes, right))).toBe(common);
      }),
      { numRuns: 2000 },
    );
  });

  it('every living chat hangs under its nearest living ancestor, and nothing is lost or shown twice', () => {
    fc.assert(
      fc.property(steps, fc.array(fc.nat(), { maxLength: 10 }), (script, deletions) => {
        const { nodes } = grow(script);
        for (const n of deletions) if (n % nodes.size !== 0) pick(nodes, n).deleted = true;
        const shown = new Map<string, string | null>();
        const visit = (branch: NonNullable<ReturnType<typeof branchTree<Node>>>): void => {
          shown.set(branch.chat.chatId, branch.parentChatId);
          for (const child of branch.children) {
            expect(child.parentChatId).toBe(branch.chat.chatId);
            visit(child);
          }
        };
        visit(branchTree([...nodes.values()], Number.MAX_SAFE_INTEGER)!);
        expect([...shown.keys()].sort()).toEqual(
          [...nodes.values()]
            .filter((n) => !n.deleted)
            .map((n) => n.chatId)
            .sort(),
        );
        for (const [chatId, parent] of shown) {
          const above = nodes.get(chatId)!.parentChatId;
          expect(parent).toBe(above === null ? null : nearestLiving(above, (id) => nodes.get(id)!)!.chatId);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('levels beyond the limit are left out', () => {
    const { nodes } = grow([
      { kind: 'fork', chat: 0, at: 0 },
      { kind: 'append', chat: 1, at: 0 },
      { kind: 'fork', chat: 1, at: 1 },
    ]);
    const root = branchTree([...nodes.values()], 1)!;
    expect(root.children.map(({ chat, children }) => [chat.chatId, children.length])).toEqual([['c1', 0]]);
  });
});
