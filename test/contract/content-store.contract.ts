import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { rememberDigits } from '../../src/common/exact-json.js';
import { newId } from '../../src/common/ids.js';
import {
  type ContentStore,
  BRANCHES_SHOWN,
  type PairWrite,
  type StoredPair,
} from '../../src/content/content-store.js';
import { aChat, aPair, type ChatKey, partsOf, putAtLast, seqsUpTo } from './builders.js';
import { HOSTILE, METADATA } from './hostile-words.js';
import { stopwatch } from '../support/machine-clock.js';

/**
 * A store has 2 s for an operation, and a busy machine some more; one without a deadline takes 30.
 */
export const TOO_LATE_MS = 4000;

export interface StoreUnderTest {
  store: ContentStore;
  /** Lets PostgreSQL know of the chat, which is what makes its words findable. */
  know(chat: ChatKey): Promise<void>;
  /** A store of this kind that cannot reach its database. */
  away(): Promise<ContentStore>;
  close(): Promise<void>;
}

const MIB = 1024 * 1024;

function readBack(text: string): unknown {
  const value: unknown = JSON.parse(text);
  rememberDigits(value, text);
  return value;
}

/** What every adapter of `ContentStore` must do, on its real database. */
export function contentStoreContract(open: () => Promise<StoreUnderTest>): void {
  let under: StoreUnderTest;
  let store: ContentStore;

  const aKnownChat = async (given?: Partial<ChatKey>): Promise<ChatKey> => {
    const chat = aChat(given);
    await under.know(chat);
    return chat;
  };
  const find = (pairs: readonly PairWrite[]): Promise<Map<string, StoredPair>> =>
    store.findMany(pairs[0]!.accountId, pairs[0]!.rootChatId, pairs);
  const bodiesOf = async (pairs: readonly PairWrite[]): Promise<(string | undefined)[]> => {
    const found = await find(pairs);
    return pairs.map((pair) => found.get(pair.responseId)?.body);
  };
  const putAll = (pairs: readonly PairWrite[]): Promise<unknown> =>
    Promise.all(pairs.map((pair) => putAtLast(store, pair)));

  beforeAll(async () => {
    under = await open();
    store = under.store;
  });
  afterAll(() => under.close());

  describe('put and findMany', () => {
    it('gives back what was put, with its version and hash', async () => {
      const pair = aPair(await aKnownChat(), {
        question: 'Why?',
        response: 'Because.',
        metadata: { a: 1 },
      });
      await store.put(pair);
      const found = (await find([pair])).get(pair.responseId);
      expect(found).toMatchObject({ version: 1, body: pair.body, sha256: pair.sha256 });
    });

    it('a second put of the same pair changes nothing', async () => {
      const pair = aPair(await aKnownChat());
      await store.put(pair);
      const first = await find([pair]);
      await store.put(pair);
      expect(await find([pair])).toEqual(first);
    });

    it('a newer version replaces an older one, wherever it stands, and leaves its neighbours alone', async () => {
      const chat = await aKnownChat();
      const pairs = seqsUpTo(3).map((seq) => aPair(chat, { seq }));
      await putAll(pairs);
      const newer = aPair(chat, { seq: 2, version: 3, response: 'better' });
      await store.put(newer);
      expect(await bodiesOf(pairs)).toEqual([pairs[0]!.body, newer.body, pairs[2]!.body]);
      expect((await find([newer])).get(newer.responseId)?.version).toBe(3);
    });

    it('an older version changes nothing', async () => {
      const chat = await aKnownChat();
      const newer = aPair(chat, { version: 2 });
      await store.put(newer);
      await store.put(aPair(chat, { version: 1 }));
      expect(await bodiesOf([newer])).toEqual([newer.body]);
    });

    it('a first put may be of any version', async () => {
      const pair = aPair(await aKnownChat(), { version: 7 });
      await store.put(pair);
      expect((await find([pair])).get(pair.responseId)?.version).toBe(7);
    });

    it('words that were damaged are mended by putting them again', async () => {
      const chat = await aKnownChat();
      const right = aPair(chat, { response: 'right' });
      await store.put(aPair(chat, { response: 'wrong' }));
      await store.put(right);
      expect(await bodiesOf([right])).toEqual([right.body]);
    });

    it('leaves out what is not stored, and answers in any order', async () => {
      const chat = await aKnownChat();
      const pairs = seqsUpTo(40).map((seq) => aPair(chat, { seq }));
      await putAll(pairs.filter((pair) => pair.seq % 2 === 0));
      const found = await find(pairs.toReversed());
      expect([...found.keys()].sort()).toEqual(
        pairs
          .filter((pair) => pair.seq % 2 === 0)
          .map((pair) => pair.responseId)
          .sort(),
      );
      expect(await find([aPair(aChat({ accountId: chat.accountId }))])).toEqual(new Map());
      expect(await store.findMany(chat.accountId, chat.rootChatId, [])).toEqual(new Map());
    });

    it('finds the pairs of several chats of a conversation at once', async () => {
      const root = await aKnownChat();
      const branch = await aKnownChat({ ...root, chatId: newId(), forkSeq: 5 });
      const pairs = [
        aPair(root, { seq: 5 }),
        aPair(branch, { seq: 6 }),
        aPair(root, { seq: 6 }),
        aPair(branch, { seq: 38 }),
      ];
      await putAll(pairs);
      expect(await bodiesOf(pairs)).toEqual(pairs.map((pair) => pair.body));
    });

    it('another account, or another conversation, never gets them', async () => {
      const pair = aPair(await aKnownChat());
      await store.put(pair);
      const other = await aKnownChat();
      expect(await store.findMany(other.accountId, pair.rootChatId, [pair])).toEqual(new Map());
      expect(await store.findMany(pair.accountId, other.rootChatId, [pair])).toEqual(new Map());
    });
  });

  describe('parts', () => {
    it.each([40, 64 * 1024])(
      'of %i bytes come back, are replaced and go with their pair',
      async (bytes) => {
        const chat = await aKnownChat();
        const [first, second] = seqsUpTo(2).map((seq) => aPair(chat, { seq, ...partsOf(bytes) }));
        await putAll([first!, second!]);
        expect(await bodiesOf([first!, second!])).toEqual([first!.body, second!.body]);
        const longer = aPair(chat, { version: 2, ...partsOf(bytes + 8 * 1024) });
        await putAtLast(store, longer);
        await store.put(first!);
        expect(await bodiesOf([longer, second!])).toEqual([longer.body, second!.body]);
        const plain = aPair(chat, { version: 3 });
        await putAtLast(store, plain);
        await putAtLast(store, longer);
        expect(await bodiesOf([plain, second!])).toEqual([plain.body, second!.body]);
        expect((await store.findAcross([second!])).get(second!.responseId)?.body).toBe(
          second!.body,
        );
        await store.removeTail(chat, 1);
        expect(await bodiesOf([plain, second!])).toEqual([plain.body, undefined]);
      },
    );

    it('any JSON in parts and settings comes back as it went, to the last digit', async () => {
      const chat = await aKnownChat();
      const value = readBack('{"n":1546130668394913822,"price":1.10,"$gt":{"a.b":-0},"":[1e400]}');
      const pair = aPair(chat, {
        question: null,
        question_parts: [{ type: 'data', name: 'd', value }],
        settings: { seed: 7 },
      });
      await store.put(pair);
      expect(await bodiesOf([pair])).toEqual([pair.body]);
      expect(pair.body).toContain('"n":1546130668394913822,"price":1.10');
    });
  });

  describe('putMany and findAcross', () => {
    const acrossBodies = async (pairs: readonly PairWrite[]): Promise<(string | undefined)[]> => {
      const found = await store.findAcross(pairs);
      return pairs.map((pair) => found.get(pair.responseId)?.body);
    };

    it('do for pairs of many conversations at once what put and findMany do for one', async () => {
      const [chat, other] = [await aKnownChat(), await aKnownChat()];
      const [older, newer] = [aPair(chat, { seq: 2 }), aPair(chat, { seq: 3, version: 4 })];
      await store.put(older);
      await store.put(newer);
      const better = aPair(chat, { seq: 2, version: 2 });
      const pairs = [
        better,
        aPair(chat, { seq: 3, version: 3 }),
        aPair(chat, { seq: 40 }),
        aPair(chat),
        aPair(other, { seq: 2 }),
      ];
      expect(await store.putMany(pairs)).toEqual(new Map());
      expect(await acrossBodies(pairs)).toEqual(
        pairs.map((pair) => (pair.seq === 3 ? newer.body : pair.body)),
      );
      expect(await bodiesOf([pairs[3]!, better, newer, pairs[2]!])).toEqual([
        pairs[3]!.body,
        better.body,
        newer.body,
        pairs[2]!.body,
      ]);
    });

    it('of nothing do nothing', async () => {
      expect(await store.putMany([])).toEqual(new Map());
      expect(await store.findAcross([])).toEqual(new Map());
    });

    it('may be repeated, and race each other in opposite orders, and none is refused', async () => {
      for (let round = 1; round <= 5; round++) {
        const chats = [await aKnownChat(), await aKnownChat(), await aKnownChat()];
        const pairs = chats.flatMap((chat) => seqsUpTo(10).map((seq) => aPair(chat, { seq })));
        const refused = await Promise.all(
          [pairs, pairs.toReversed(), pairs.slice(5, 25), pairs].map((some) => store.putMany(some)),
        );
        expect(refused).toEqual(refused.map(() => new Map()));
        expect(await acrossBodies(pairs)).toEqual(pairs.map((pair) => pair.body));
      }
    });

    it('another account, or another conversation, never gets them', async () => {
      const [pair, asked] = [aPair(await aKnownChat()), aPair(await aKnownChat())];
      await store.putMany([pair, asked]);
      const foreign = [
        { ...pair, accountId: asked.accountId },
        { ...pair, rootChatId: asked.rootChatId },
      ];
      for (const one of foreign)
        expect([...(await store.findAcross([one, asked])).keys()]).toEqual([asked.responseId]);
    });
  });

  describe('what is stored comes back byte for byte', () => {
    it('hostile texts', async () => {
      const chat = await aKnownChat();
      const pairs = HOSTILE.map((text, i) =>
        aPair(chat, { seq: i + 1, question: text, response: i % 5 === 0 ? null : text.repeat(3) }),
      );
      await putAll(pairs);
      expect(await bodiesOf(pairs)).toEqual(pairs.map((pair) => pair.body));
    });

    it('metadata', async () => {
      const chat = await aKnownChat();
      const pairs = METADATA.map((metadata, i) => aPair(chat, { seq: i + 1, metadata }));
      await putAll(pairs);
      expect(await bodiesOf(pairs)).toEqual(pairs.map((pair) => pair.body));
      expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    });

    it('any metadata and any text', async () => {
      const chat = await aKnownChat();
      let seq = 0;
      const key = fc.oneof(
        fc.string({ unit: 'grapheme' }),
        fc.constantFrom(
          '_bsontype',
          'constructor',
          '__proto__',
          'toObject',
          '$set',
          'a.b',
          '_id',
          'length',
          '0',
        ),
      );
      const metadata = fc.dictionary(key, fc.jsonValue({ maxDepth: 3, stringUnit: 'grapheme' }), {
        maxKeys: 6,
      });
      await fc.assert(
        fc.asyncProperty(fc.string({ unit: 'binary' }), metadata, async (question, given) => {
          const pair = aPair(chat, {
            seq: ++seq,
            question: question.replaceAll('\0', ''),
            metadata: JSON.parse(JSON.stringify(given).replaceAll('\\u0000', '')),
          });
          await store.put(pair);
          expect(await bodiesOf([pair])).toEqual([pair.body]);
        }),
        { numRuns: 100 },
      );
    });

    it('32 pairs of the greatest length in a row', async () => {
      const chat = await aKnownChat();
      const pairs = seqsUpTo(32).map((seq) =>
        aPair(chat, {
          seq,
          question: '"\n'.repeat(MIB / 16),
          response: 'ж'.repeat(MIB / 8),
          metadata: { text: 'x'.repeat(MIB / 64) },
          ...partsOf(MIB),
        }),
      );
      for (const pair of pairs) await putAtLast(store, pair);
      // All at once are more than a busy machine brings within the deadline of a read.
      for (const some of [pairs.slice(0, 8), pairs.slice(8, 20), pairs.slice(20)])
        expect((await bodiesOf(some)).every((body, i) => body === some[i]!.body)).toBe(true);
    });
  });

  describe('under races', () => {
    it('400 puts of 40 pairs at once leave each pair once, with its words', async () => {
      const chat = await aKnownChat();
      const pairs = seqsUpTo(40).map((seq) => aPair(chat, { seq }));
      const puts = seqsUpTo(400).map((i) => pairs[(i * 7) % pairs.length]!);
      await putAll(puts);
      expect(await bodiesOf(pairs)).toEqual(pairs.map((pair) => pair.body));
    });

    it('whatever the order of versions, in turn or at once, the highest remains', async () => {
      const put = fc.record({
        seq: fc.integer({ min: 1, max: 3 }),
        version: fc.integer({ min: 1, max: 5 }),
        atOnce: fc.boolean(),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(put, { minLength: 1, maxLength: 16 }), async (puts) => {
          const chat = await aKnownChat();
          const pending: Promise<void>[] = [];
          for (const { seq, version, atOnce } of puts) {
            pending.push(putAtLast(store, aPair(chat, { seq, version })));
            if (!atOnce) await Promise.all(pending);
          }
          await Promise.all(pending);
          for (const seq of new Set(puts.map((one) => one.seq))) {
            const versions = puts.filter((one) => one.seq === seq).map((one) => one.version);
            const highest = aPair(chat, { seq, version: Math.max(...versions) });
            expect((await find([highest])).get(highest.responseId)).toMatchObject({
              version: highest.version,
              body: highest.body,
            });
          }
        }),
        { numRuns: 40 },
      );
    });
  });

  describe('removeTail', () => {
    it.each([0, 1, 31, 32, 33, 64, 69, 70])('keeps what is not above %i', async (after) => {
      const chat = await aKnownChat();
      const pairs = seqsUpTo(70).map((seq) => aPair(chat, { seq }));
      await putAll(pairs);
      await store.removeTail(chat, after);
      await store.removeTail(chat, after);
      expect((await bodiesOf(pairs)).map((body) => body !== undefined)).toEqual(
        pairs.map((pair) => pair.seq <= after),
      );
    });

    it('leaves other chats alone, and the inherited part of a branch is not its own', async () => {
      const root = await aKnownChat();
      const branch = await aKnownChat({ ...root, chatId: newId(), forkSeq: 10 });
      const kept = seqsUpTo(12).map((seq) => aPair(root, { seq }));
      const removed = [aPair(branch, { seq: 11 }), aPair(branch, { seq: 44 })];
      await putAll([...kept, ...removed]);
      await store.removeTail(branch, 0);
      expect(await bodiesOf(removed)).toEqual([undefined, undefined]);
      expect(await bodiesOf(kept)).toEqual(kept.map((pair) => pair.body));
    });

    it('a removed pair can be put again', async () => {
      const pair = aPair(await aKnownChat(), { version: 2 });
      await store.put(pair);
      await store.removeTail(pair, 0);
      await store.put({ ...pair, version: 1 });
      expect(await bodiesOf([pair])).toEqual([pair.body]);
    });
  });

  describe('putBranches', () => {
    it('changes nothing about the words, and makes no pair', async () => {
      const chat = await aKnownChat();
      const [pair, missing] = [aPair(chat, { seq: 1 }), aPair(chat, { seq: 2 })];
      await store.put(pair);
      const branches = seqsUpTo(BRANCHES_SHOWN + 5).map(() => newId());
      await store.putBranches(pair, branches, branches.length);
      await store.putBranches(missing, branches, branches.length);
      expect(await bodiesOf([pair, missing])).toEqual([pair.body, undefined]);
    });
  });

  it('when the database is away everything fails after its deadline of 2 s', async () => {
    const away = await under.away();
    const pair = aPair(aChat());
    const ran = stopwatch();
    const asked = [
      away.put(pair),
      away.findAcross([pair]),
      away.findMany(pair.accountId, pair.rootChatId, [pair]),
      away.removeTail(pair, 0),
      away.ping(),
    ];
    const outcomes = await Promise.allSettled(asked);
    expect(outcomes.map((outcome) => outcome.status)).toEqual(asked.map(() => 'rejected'));
    expect(ran()).toBeLessThan(TOO_LATE_MS);
  });
}
