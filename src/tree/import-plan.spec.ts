import fc from 'fast-check';
import {
  type KnownPair,
  type Plan,
  type PlannedPair,
  planOf,
  type EarlierImport,
} from './import-plan.js';

/** A tree of pairs, each behind its parent, and a pair of it where its person was. */
const trees = fc
  .array(fc.nat(), { maxLength: 40 })
  .chain((parents) =>
    fc.record({
      pairs: fc.constant(
        parents.map((parent, n): PlannedPair => {
          const above = parent % (n + 1);
          return { key: `k${n}`, parentKey: above === 0 ? null : `k${above - 1}` };
        }),
      ),
      head: parents.length === 0 ? fc.constant(null) : fc.nat(parents.length - 1),
      /** How many of them were there when they were brought in the first time. */
      before: fc.nat(parents.length),
    }),
  )
  .map(({ pairs, head, before }) => ({ pairs, head: head === null ? null : `k${head}`, before }));

interface Chat {
  parent: string | null;
  forkSeq: number;
  keys: string[];
}

/** Chats without any cleverness, by id; what a plan says is done to them. */
class House {
  readonly chats = new Map<string, Chat>();

  take({ lines }: Plan): void {
    const ids = lines.map(({ kind, chat }) =>
      kind === 'longer'
        ? (chat as { chatId: string }).chatId
        : `c${this.chats.size}:${Math.random()}`,
    );
    const idOf = (chat: Plan['head']): string | null =>
      chat === null ? null : typeof chat === 'number' ? ids[chat]! : chat.chatId;
    for (const [n, { kind, chat, forkSeq, keys }] of lines.entries()) {
      const id = ids[n]!;
      if (kind === 'longer') this.chats.get(id)!.keys.push(...keys);
      else this.chats.set(id, { parent: idOf(chat), forkSeq, keys: [...keys] });
    }
    this.ids = ids;
  }

  ids: string[] = [];

  endOf(chatId: string): number {
    const { forkSeq, keys } = this.chats.get(chatId)!;
    return forkSeq + keys.length;
  }

  pathOf(chatId: string, end = this.endOf(chatId)): string[] {
    const { parent, forkSeq, keys } = this.chats.get(chatId)!;
    const inherited = parent === null ? [] : this.pathOf(parent, forkSeq);
    expect(inherited).toHaveLength(forkSeq);
    return [...inherited, ...keys].slice(0, end);
  }

  get present(): EarlierImport {
    const pairs = new Map<string, KnownPair>();
    for (const [chatId, { forkSeq, keys }] of this.chats)
      for (const [n, key] of keys.entries()) pairs.set(key, { chatId, seq: forkSeq + n + 1 });
    return {
      pairs,
      isOpenEnd: (chatId, seq) => this.endOf(chatId) === seq,
      rootChatId: [...this.chats.keys()][0]!,
    };
  }
}

const pathTo = (pairs: readonly PlannedPair[], key: string | null): string[] => {
  const parents = new Map(pairs.map((pair) => [pair.key, pair.parentKey]));
  const path: string[] = [];
  for (let at = key; at !== null; at = parents.get(at)!) path.unshift(at);
  return path;
};

/** What people can read: the path of each pair. */
function expectAllReadable(house: House, pairs: readonly PlannedPair[]): void {
  const { pairs: places } = house.present;
  expect([...places.keys()].sort()).toEqual(pairs.map(({ key }) => key).sort());
  for (const { key } of pairs) {
    const { chatId, seq } = places.get(key)!;
    expect(house.pathOf(chatId, seq)).toEqual(pathTo(pairs, key));
  }
}

const headChatOf = (house: House, { head }: Plan): string =>
  typeof head === 'number' ? house.ids[head]! : head!.chatId;

describe('the plan of an import', () => {
  it('has every pair once, on the path that it has at its source', () => {
    fc.assert(
      fc.property(trees, ({ pairs, head }) => {
        const house = new House();
        house.take(planOf(pairs, head));
        expectAllReadable(house, pairs);
      }),
    );
  });

  it('has a chat that ends where its person was', () => {
    fc.assert(
      fc.property(trees, ({ pairs, head }) => {
        fc.pre(head !== null);
        const house = new House();
        const plan = planOf(pairs, head);
        house.take(plan);
        expect(plan.lines[0]!.kind).toBe('root');
        expect(house.pathOf(headChatOf(house, plan))).toEqual(pathTo(pairs, head));
      }),
    );
  });

  it('makes a chat only where pairs go another way', () => {
    fc.assert(
      fc.property(trees, ({ pairs, head }) => {
        const { lines } = planOf(pairs, head);
        const parents = new Set(pairs.map(({ parentKey }) => parentKey));
        const ends = pairs.filter(({ key }) => !parents.has(key) || key === head);
        expect(lines).toHaveLength(ends.length);
        expect(lines.every(({ keys }) => keys.length > 0)).toBe(true);
      }),
    );
  });

  it('of what is there already adds nothing', () => {
    fc.assert(
      fc.property(trees, ({ pairs, head }) => {
        fc.pre(pairs.length > 0);
        const house = new House();
        house.take(planOf(pairs, head));
        expect(planOf(pairs, head, house.present).lines).toEqual([]);
      }),
    );
  });

  it('of a newer export adds what is new, each pair on its path', () => {
    fc.assert(
      fc.property(trees, ({ pairs, head, before }) => {
        fc.pre(before > 0);
        const older = pairs.slice(0, before);
        const house = new House();
        house.take(planOf(older, older.at(-1)!.key));
        const plan = planOf(pairs, head, house.present);
        house.take(plan);
        expectAllReadable(house, pairs);
        expect(plan.lines.flatMap(({ keys }) => keys)).toHaveLength(pairs.length - before);
        if (plan.head !== null)
          expect(house.pathOf(headChatOf(house, plan))).toEqual(pathTo(pairs, head));
      }),
    );
  });

  it('is made in a moment of a chat of 200,000 pairs', () => {
    const pairs = Array.from({ length: 200_000 }, (_, n) => ({
      key: `k${n}`,
      parentKey: n === 0 ? null : `k${n - 1}`,
    }));
    const { lines } = planOf(pairs, 'k199999');
    expect(lines).toHaveLength(1);
    expect(lines[0]!.keys).toHaveLength(200_000);
  });
});
