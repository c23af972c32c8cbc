import {
  brokenChatGpt,
  chatGpt,
  claude,
  flatClaude,
  libreChat,
  oddChatGpt,
  openWebUi,
  type Said,
} from '../../test/support/exports.js';
import { exactJson } from '../common/exact-json.js';
import { planOf } from '../tree/import-plan.js';
import { itemsOf, type Layout } from './json-items.js';
import { QUESTION_BYTES_MAX } from '../tree/part-rules.js';
import { conversationOf, type ReadyConversation, type ReadyPair } from './ready.js';
import { Tally } from './source.js';

/** As it would be read out of a file, in pieces of so many bytes. */
async function read(json: string | Buffer, layout: Layout, bytes = 7): Promise<unknown[]> {
  const all = Buffer.from(json);
  async function* pieces(): AsyncGenerator<Buffer> {
    for (let at = 0; at < all.length; at += bytes) yield all.subarray(at, at + bytes);
  }
  const items: unknown[] = [];
  for await (const item of itemsOf(pieces(), layout)) items.push(item);
  return items;
}

/** Written and read again, so that it is what a file has. */
async function readyFrom(
  value: unknown,
): Promise<{ ready: ReadyConversation; lost: Record<string, number> }> {
  const tally = new Tally();
  const [item] = await read(JSON.stringify(value), 'single', 1000);
  return { ready: conversationOf(item, tally)!, lost: tally.toJSON() };
}

const textsOf = (side: ReadyPair['question']): string | null =>
  side &&
  side.map((part) => ('text' in part && part.type === 'text' ? part.text : part.type)).join('|');
const shown = ({ pairs }: ReadyConversation): string[] =>
  pairs.map(({ question, response }) => `${textsOf(question)} → ${textsOf(response)}`);
/** How each pair is reached, by the texts of the pairs before it. */
const pathOf = ({ pairs }: ReadyConversation, key: string | null): string[] => {
  const byKey = new Map(pairs.map((pair) => [pair.key, pair]));
  const path: string[] = [];
  for (let at = key; at !== null; at = byKey.get(at)!.parentKey) path.unshift(at);
  return path;
};

describe('a conversation of ChatGPT', () => {
  it('keeps its branches, its parts and where its person was', async () => {
    const { ready, lost } = await readyFrom(oddChatGpt());
    expect(shown(ready)).toEqual([
      'other|Which way? → South.',
      'other|Which way? → North.',
      'And by train? → other',
      'source_file|What is on this map?|source_file → reasoning|tool_call|tool_result|Norway.|source',
    ]);
    expect(pathOf(ready, ready.head)).toEqual(['a1', 'a3']);
    expect(ready.messageCount).toBe(11);
    expect(planOf(ready.pairs, ready.head).lines.map(({ keys }) => keys)).toEqual([
      ['a1', 'a3'],
      ['a2'],
      ['odd'],
    ]);
    expect(lost).toEqual({ empty_messages: 3 });
  });

  it('keeps times, models and the digits of numbers', async () => {
    const { ready } = await readyFrom(oddChatGpt());
    const pair = ready.pairs.find(({ key }) => key === 'a3')!;
    expect(pair.createdAt).toEqual(new Date(1_700_000_060_000));
    expect(pair.model).toBe('o3');
    expect(pair.metadata['imported']).toMatchObject({
      source: 'chatgpt',
      messages: [{ id: 'q2', role: 'user' }, { id: 'think' }, { id: 'call' }, {}, { model: 'o3' }],
    });
    expect(ready).toMatchObject({ name: expect.any(String), pinned: true, model: 'gpt-4o' });
  });

  it('with circles, lost parents and spoiled characters comes in whole', async () => {
    const { ready, lost } = await readyFrom(brokenChatGpt());
    expect(shown(ready).sort()).toEqual([
      'Lost → null',
      'One → Two',
      'Self → null',
      expect.stringMatching(/^half of a \ufffd+ smile, and \ufffd → null$/),
    ]);
    expect(lost).toEqual({ characters_replaced: 1, circles: 2, missing_parents: 1 });
  });

  it('that grows has the same pairs, and more', async () => {
    const older: Said[] = [
      { id: 'q1', parent: null, role: 'user', text: '1' },
      { id: 'a1', parent: 'q1', role: 'assistant', text: '2' },
    ];
    const newer: Said[] = [
      ...older,
      { id: 'a1b', parent: 'q1', role: 'assistant', text: '3' },
      { id: 'q2', parent: 'a1', role: 'user', text: '4' },
    ];
    const [before, after] = [chatGpt('x', older), chatGpt('x', newer)];
    const keysOf = async (value: unknown) =>
      (await readyFrom(value)).ready.pairs.map(({ key, parentKey }) => `${parentKey}/${key}`);
    expect(await keysOf(after)).toEqual(expect.arrayContaining(await keysOf(before)));
    expect(await keysOf(after)).toHaveLength(3);
  });

  it('with a message that is longer than a question can be is cut between characters', async () => {
    const text = '🦊'.repeat(QUESTION_BYTES_MAX / 3);
    const { ready, lost } = await readyFrom(
      chatGpt('x', [
        { id: 'q', parent: null, role: 'user', text },
        { id: 'a', parent: 'q', role: 'assistant', text: 'Foxes.' },
      ]),
    );
    const texts = ready.pairs.map(({ question }) => textsOf(question)!);
    expect(texts.join('')).toBe(text);
    expect(texts.every((one) => Buffer.byteLength(one) <= QUESTION_BYTES_MAX)).toBe(true);
    expect(pathOf(ready, ready.head)).toHaveLength(ready.pairs.length);
    expect(lost).toEqual({ messages_cut: 1 });
  });
});

describe('a conversation of others', () => {
  it('Claude', async () => {
    const { ready, lost } = await readyFrom(claude());
    expect(shown(ready)).toEqual([
      'Draw a boat → reasoning|tool_call|tool_result|Here it is.',
      'Draw a boat → No.|other',
      'other|Plan of it|source_file → A good plan.',
    ]);
    expect(pathOf(ready, ready.head)).toEqual(['a1', 'a2']);
    expect(ready.pairs[0]!.response![2]).toMatchObject({ call_id: 'call_1', output: 'OK' });
    expect(lost).toEqual({});
  });

  it('Claude, without parents', async () => {
    const { ready } = await readyFrom(flatClaude());
    expect(shown(ready)).toEqual(['Hello → Hi', 'Bye → See you']);
    expect(ready.name).toBeNull();
  });

  it.each([false, true])('LibreChat (as a tree: %s)', async (isTree) => {
    const { ready } = await readyFrom(libreChat(isTree));
    expect(shown(ready).sort()).toEqual([
      'How hot? → reasoning|tool_call|tool_result|80 degrees.',
      'Tea? → Black.',
      'Tea? → Green.',
    ]);
    expect(pathOf(ready, ready.head)).toEqual(['r1', 'r3']);
    expect(ready).toMatchObject({ systemPrompt: 'Be brief.', model: 'gpt-4o', id: 'libre-1' });
  });

  it('Open WebUI', async () => {
    const { ready } = await readyFrom(openWebUi());
    expect(shown(ready)).toEqual([
      'A rhyme? → reasoning|The sea, the bee.',
      'A rhyme? → reasoning|tool_call|tool_result|Bee.',
      'More|source_file → null',
    ]);
    expect(ready.pairs[0]!.response![0]).toEqual({ type: 'reasoning', text: 'Sea & me.' });
    expect(ready.pairs[0]!.usage).toEqual({ input_tokens: 5, output_tokens: 7 });
    expect(pathOf(ready, ready.head)).toEqual(['a1']);
    expect(ready).toMatchObject({ archived: true, systemPrompt: 'Speak in rhymes.' });
  });

  it('what is none of them is none', () => {
    for (const value of [null, 1, 'x', [], {}, { mapping: 1 }, { messages: [] }])
      expect(conversationOf(value, new Tally())).toBeNull();
  });
});

describe('items of a file', () => {
  it('come one by one, wherever the file is cut into pieces', async () => {
    const items = [{ a: 'æ🦊"\\' }, [1, 2.5], 'x', null, { b: { c: [] } }];
    for (const bytes of [1, 2, 3, 1000])
      expect(await read(JSON.stringify(items), 'list', bytes)).toEqual(items);
    const lines = `${items.map((item) => JSON.stringify(item)).join('\n')}\n`;
    expect(await read(lines, 'lines', 3)).toEqual(items);
    expect(await read('\ufeff{"a":1} ', 'single', 1)).toEqual([{ a: 1 }]);
  });

  it('keep each digit of their numbers', async () => {
    const json = '{"n":[12345678901234567890,1.50,1e400,-0,3,0.5]}';
    expect(exactJson((await read(json, 'single'))[0])).toBe(json);
  });

  it.each([
    ['cut off in a list', '[{"a":1}', 'not_json'],
    ['cut off behind a comma', '[{"a":1},', 'not_json'],
    ['cut off in the middle of a character', Buffer.from('["🦊"]').subarray(0, 4), 'not_json'],
    ['without a colon', '[{"a" 1}]', 'not_json'],
    ['with something behind its end', '[1] x', 'not_json'],
    ['a page', '<html>', 'not_json'],
    ['nested 10,000 deep', '['.repeat(10_000) + ']'.repeat(10_000), 'nested_too_deep'],
  ])('of a file that is %s are refused', async (_, json, code) => {
    await expect(read(json, 'list')).rejects.toMatchObject({ name: 'Unreadable', code });
  });
});
