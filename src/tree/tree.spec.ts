import fc from 'fast-check';
import {
  bandOf,
  type Branch,
  inOrder,
  livingAbove,
  nearestLiving,
  nestedPage,
  NESTING_MAX,
  type Read,
} from './branch-tree.js';
import {
  jumpOfChild,
  type Line,
  type Link,
  ownerOf,
  sharedLength,
  stretchesOf,
} from './lineage.js';

interface Node extends Link {
  lastSeq: number;
  deleted: boolean;
}

/**
 * What a fork means, without any cleverness: the branch has a copy of the path up to the fork
 * point.
 */
interface Model {
  nodes: Map<string, Node>;
  paths: Map<string, string[]>;
}

type Step = { kind: 'append' | 'fork'; chat: number; at: number };

const steps = fc.array(
  fc.record({
    kind: fc.constantFrom<'append' | 'fork'>('append', 'append', 'fork'),
    chat: fc.nat(),
    at: fc.nat(),
  }),
  {
    maxLength: 120,
  },
);
const ownerIn = (pair: string): string => pair.split('#')[0]!;

function grow(script: readonly Step[]): Model {
  const root: Node = {
    chatId: 'c0',
    parentChatId: null,
    forkSeq: 0,
    depth: 0,
    jumpChatId: 'c0',
    lastSeq: 0,
    deleted: false,
  };
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
        const pairs = stretches.flatMap((s) =>
          Array.from({ length: s.to - s.from + 1 }, (_, i) => `${s.chatId}#${s.from + i}`),
        );
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

  it('pages of a tree show every living chat once, under its nearest living ancestor that is shown, and are never nested too deep', () => {
    const shape = {
      reach: fc.integer({ min: 1, max: 12 }),
      size: fc.integer({ min: 1, max: 150 }),
      limit: fc.integer({ min: 1, max: 40 }),
    };
    fc.assert(
      fc.property(
        fc.record(shape),
        fc.array(fc.nat(), { maxLength: 40 }),
        ({ reach, size, limit }, deletions) => {
          const chats = deepTree(size, reach, deletions);
          const living = [...chats.values()].filter(({ deleted }) => !deleted).sort(inOrder);
          const seen: string[] = [];
          for (let rest = living; rest.length > 0;) {
            const own = rest.slice(0, limit);
            const { tree, last } = nestedPage(own, chats.get('c000')!, chats);
            const shown = placesIn(tree);
            expect(Math.max(...[...shown.values()].map(({ level }) => level))).toBeLessThanOrEqual(
              NESTING_MAX,
            );
            const { from } = bandOf(own[0]!.depth);
            const wrong = [...shown].filter(([chatId, { under, parentChatId }]) => {
              const chat = chats.get(chatId)!;
              const place = chat.depth < from && under !== null ? 'c000' : parentChatId;
              return parentChatId !== livingAbove(chat, chats) || under !== place;
            });
            expect(wrong).toEqual([]);
            const told = own.slice(0, own.indexOf(last!) + 1).map(({ chatId }) => chatId);
            expect(told.every((chatId) => shown.has(chatId))).toBe(true);
            seen.push(...told);
            rest = rest.slice(told.length);
          }
          expect(seen).toEqual(living.map(({ chatId }) => chatId));
        },
      ),
      { numRuns: 200 },
    );
  });

  it('the nearest living ancestor is found past any number of deleted ones', () => {
    const chats = deepTree(40, 1, [5, 6, 7, 20]);
    expect(['c008', 'c021', 'c001'].map((id) => livingAbove(chats.get(id)!, chats))).toEqual([
      'c004',
      'c019',
      'c000',
    ]);
    expect(nearestLiving('c007', (id) => chats.get(id)!)!.chatId).toBe('c004');
  });

  it('bands lie side by side, and with the root and one ancestor none is deeper than an answer may be nested', () => {
    const bands = Array.from({ length: 500 }, (_, depth) => ({ depth, ...bandOf(depth) }));
    for (const { depth, from, to } of bands) {
      expect(bandOf(from)).toEqual(bandOf(to));
      expect(depth >= from && depth <= to && bandOf(to + 1).from === to + 1).toBe(true);
      expect((from === 0 ? 0 : 2) + to - from + 1).toBeLessThanOrEqual(NESTING_MAX);
    }
  });
});

/** A tree in which each chat hangs under one of the `reach` before it: 1 is a chain. */
function deepTree(size: number, reach: number, deletions: readonly number[]): Map<string, Read> {
  const chats: Read[] = [];
  const id = (n: number): string => `c${String(n).padStart(3, '0')}`;
  for (let n = 0; n < size; n++) {
    const parent = n === 0 ? null : chats[Math.max(0, n - 1 - ((n * 7919) % reach))]!;
    const deleted = n > 0 && deletions.some((deletion) => deletion % size === n);
    chats.push({
      chatId: id(n),
      parentChatId: parent?.chatId ?? null,
      depth: (parent?.depth ?? -1) + 1,
      deleted,
      shown: true,
    });
  }
  return new Map(chats.map((chat) => [chat.chatId, chat]));
}

interface Seat {
  under: string | null;
  parentChatId: string | null;
  level: number;
}

function placesIn(top: Branch<Read>): Map<string, Seat> {
  const places = new Map<string, Seat>();
  const visit = (
    { chat, parentChatId, children }: Branch<Read>,
    under: string | null,
    level: number,
  ): void => {
    if (places.has(chat.chatId)) throw new Error(`${chat.chatId} is shown twice`);
    places.set(chat.chatId, { under, parentChatId, level });
    for (const child of children) visit(child, chat.chatId, level + 1);
  };
  visit(top, null, 1);
  return places;
}
