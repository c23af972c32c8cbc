import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Logger } from '@nestjs/common';
import fc from 'fast-check';
import { TokenCounter } from './token-counter.js';

const SRC = fileURLToPath(new URL('..', import.meta.url));

let counter: TokenCounter;
beforeEach(() => {
  Logger.overrideLogger(false);
  counter = new TokenCounter();
});
afterEach(() => counter.onApplicationShutdown());

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

  it.each([
    ['one letter', 'a'],
    ['blanks', ' '],
    ['punctuation', '!@#$%^&*'],
    ['accents', '\u0301'],
    [
      'random letters',
      Array.from({ length: 131_072 }, () => String.fromCharCode(97 + Math.random() * 26)).join(''),
    ],
  ])(
    'of 128 KiB of nothing but %s are counted soon: not in the square of its length',
    async (_, text) => {
      await tokensOf('x'); // loads the encoding
      const started = performance.now();
      await tokensOf(text.repeat(131_072 / text.length));
      expect(performance.now() - started).toBeLessThan(4000);
    },
  );

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
  /** What the counter has of it. */
  const inside = (): { worker: { terminate(): Promise<number> } | null } =>
    counter as unknown as ReturnType<typeof inside>;

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
    await counter.onApplicationShutdown();
    expect([await asked, await counter.count(['x']), inside().worker]).toEqual([null, null, null]);
  });
});
