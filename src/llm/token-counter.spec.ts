import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import fc from 'fast-check';
import { TokenCounter } from './token-counter.js';

const SRC = fileURLToPath(new URL('..', import.meta.url));

let counter: TokenCounter;
beforeEach(() => {
  Logger.overrideLogger(false);
  counter = new TokenCounter();
});
afterEach(() => counter.close());

interface Inside {
  worker: {
    terminate(): Promise<number>;
    postMessage(message: { texts: string[] }): void;
  } | null;
}
/** What the counter has of its thread. */
const inside = (): Inside => counter as unknown as Inside;

/** See `token-worker.mjs` and `token-counter.ts`. */
const PIECE_CHARS = 512;
const SLICE_CHARS = 256 * 1024;
const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

const tokensOf = async (text: string): Promise<number> => (await counter.count([text]))![0]!;

describe('tokens', () => {
  it('are those of o200k_base', async () => {
    expect(await counter.count(['', 'hello world'])).toEqual([0, 2]);
    expect(await tokensOf(' the quick brown fox'.repeat(100))).toBeLessThanOrEqual(404);
    expect(await counter.count([])).toEqual([]);
  });

  it('are never more than the bytes of the text', async () => {
    const property = fc.asyncProperty(
      fc.string({ unit: 'binary', maxLength: 2000 }),
      async (text) => (await tokensOf(text)) <= Buffer.byteLength(text),
    );
    await fc.assert(property, { numRuns: 200 });
  });

  it('of what looks like a control token are counted as of any text', async () => {
    expect(await tokensOf('<|endoftext|>')).toBeGreaterThan(1);
  });

  it('of a text are the sum of those of each 512 characters: their cost is never the square of its length', async () => {
    const property = fc.asyncProperty(
      fc.constantFrom('a', ' ', '!@#$%^&*', '\u0301', 'x1 ', 'hello world '),
      fc.integer({ min: 0, max: 4 * PIECE_CHARS }),
      async (unit, length) => {
        const text = unit.repeat(length).slice(0, length);
        const pieces = Array.from({ length: Math.ceil(length / PIECE_CHARS) }, (_, i) =>
          text.slice(i * PIECE_CHARS, (i + 1) * PIECE_CHARS),
        );
        return (await tokensOf(text)) === sum((await counter.count(pieces))!);
      },
    );
    await fc.assert(property, { numRuns: 60 });
    // A word is cut: it has two tokens where it would have one.
    const [whole, cut] = [`${'\n'.repeat(PIECE_CHARS)} hello`, `${'\n'.repeat(509)} hello`];
    expect((await tokensOf(cut)) - (await tokensOf('\n'.repeat(509)))).toBeGreaterThan(
      (await tokensOf(whole)) - (await tokensOf('\n'.repeat(PIECE_CHARS))),
    );
  });

  it('are counted in slices of at most 256 Ki characters, however long a text is or how many there are', async () => {
    await tokensOf('x'); // makes the thread
    const posted = jest.spyOn(inside().worker!, 'postMessage');
    const long = 'word '.repeat(300_000);
    const counts = await counter.count([
      long,
      '',
      ...Array<string>(3000).fill('hello world'),
      long,
    ]);
    const slices = posted.mock.calls.map(([{ texts }]) => sum(texts.map(({ length }) => length)));
    expect(Math.max(...slices)).toBeLessThanOrEqual(SLICE_CHARS);
    expect(sum(slices)).toBe(2 * long.length + 3000 * 'hello world'.length);
    expect(counts).toHaveLength(3003);
    expect(counts!.slice(1, 3)).toEqual([0, 2]);
    expect(counts![0]).toBe(counts!.at(-1));
    const pieces = Array.from({ length: Math.ceil(long.length / PIECE_CHARS) }, (_, i) =>
      long.slice(i * PIECE_CHARS, (i + 1) * PIECE_CHARS),
    );
    expect(counts![0]).toBe(sum((await counter.count(pieces))!));
  });

  it('of a short text do not wait for all of a long one', async () => {
    const ended: string[] = [];
    const long = counter.count(['word '.repeat(1_000_000)]).then(() => ended.push('long'));
    const short = counter.count(['hello world']).then(() => ended.push('short'));
    await Promise.all([long, short]);
    expect(ended).toEqual(['short', 'long']);
  });

  it('are counted for many at once, each getting its own, while the thread of the server goes on', async () => {
    const turns = { count: 0, isOver: false };
    const turn = (): void => {
      turns.count++;
      if (!turns.isOver) setImmediate(turn);
    };
    setImmediate(turn);
    const many = Array.from({ length: 20 }, (_, i) =>
      Array.from({ length: i }, () => 'word '.repeat(20_000)),
    );
    const counts = await Promise.all(many.map((texts) => counter.count(texts)));
    turns.isOver = true;
    expect(counts.map((tokens) => tokens!.length)).toEqual(many.map((texts) => texts.length));
    // Loading and counting take a second: on this thread there would have been a turn for each
    // batch at most.
    expect(turns.count).toBeGreaterThan(1000);
  });
});

describe('the thread of the tokenizer', () => {
  it('is the only place that loads it', () => {
    const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter(
      (file) => /\.m?[jt]s$/.test(file) && !file.endsWith('.spec.ts'),
    );
    const loading = files.filter((file) =>
      readFileSync(join(SRC, file), 'utf8').includes("'gpt-tokenizer"),
    );
    expect(loading).toEqual([join('llm', 'token-worker.mjs')]);
  });

  it('is made anew when it breaks in the middle: nobody who counts notices', async () => {
    counter.warm();
    const asked = counter.count(['hello world']);
    await inside().worker!.terminate();
    expect(await asked).toEqual([2]);
  });

  it('counts nothing for a while when it breaks each time, and the caller is told', async () => {
    const asked = counter.count(['hello world']);
    await inside().worker!.terminate();
    await inside().worker!.terminate();
    expect(await asked).toBeNull();
    expect([await counter.count(['hello world']), inside().worker]).toEqual([null, null]);
  });

  it('ends with the server, and those who wait are told', async () => {
    const asked = counter.count(['hello world']);
    await counter.close();
    expect([await asked, await counter.count(['x']), inside().worker]).toEqual([null, null, null]);
  });
});
