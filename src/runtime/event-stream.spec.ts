import { text } from 'node:stream/consumers';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, expect, it, jest } from '@jest/globals';
import { eventStream, sentEvent } from './event-stream.js';

const broken: unknown[] = [];
const streamOf = (frames: AsyncIterable<string>) =>
  eventStream(frames, (error) => broken.push(error));

afterEach(() => {
  jest.useRealTimers();
  broken.length = 0;
});

it('an event has the lines that it needs, in their order, and ends with an empty one', () => {
  expect(sentEvent('{}')).toBe('data: {}\n\n');
  expect(sentEvent('{}', 'pong')).toBe('event: pong\ndata: {}\n\n');
  expect(sentEvent('{}', 'chat.created', 0)).toBe('id: 0\nevent: chat.created\ndata: {}\n\n');
});

it('gives the frames in their order, without the empty ones, and ends with them', async () => {
  async function* frames(): AsyncGenerator<string> {
    yield* ['a', '', 'b'];
  }
  expect(await text(streamOf(frames()))).toBe('ab');
  expect(broken).toEqual([]);
});

it('a slow reader has frames made later, and one that leaves ends their making', async () => {
  let made = 0;
  let ended = false;
  async function* frames(): AsyncGenerator<string> {
    try {
      for (;;) yield `${++made}`;
    } finally {
      ended = true;
    }
  }
  const stream = streamOf(frames());
  stream.read(0);
  for (let turns = 0; turns < 100; turns++) await turn();
  expect(made).toBeLessThan(20);
  stream.destroy();
  for (let turns = 0; turns < 5; turns++) await turn();
  expect(ended).toBe(true);
});

it('an error is told, and the stream has what came before it', async () => {
  async function* frames(): AsyncGenerator<string> {
    yield 'a';
    throw new Error('away');
  }
  expect(await text(streamOf(frames()))).toBe('a');
  expect(broken).toEqual([new Error('away')]);
});

it('pings every 15 s while there is nothing to tell, and loses nothing by it', async () => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
  let tell = (): void => undefined;
  async function* frames(): AsyncGenerator<string> {
    await new Promise<void>((resolve) => (tell = resolve));
    yield 'late';
  }
  const all = text(streamOf(frames()));
  for (const ms of [14_999, 1, 15_000]) {
    await turn();
    await jest.advanceTimersByTimeAsync(ms);
  }
  tell();
  expect(await all).toBe(': ping\n\n: ping\n\nlate');
});
