import { describe, expect, it } from '@jest/globals';
import { type ChatMessage, messagesFault } from './chat-messages.js';
import { branchToolsFault, branchWordsFault, ownTools, ownWords } from './own-words.js';

const CACHED = { cache_control: { type: 'ephemeral' } };
const user = (content: unknown, more: object = {}) => ({ role: 'user', content, ...more });
const call = (more: object = {}, made: object = {}) => ({
  ...{ id: 'c1', type: 'function', ...more },
  function: { name: 'f', arguments: '{}', ...made },
});
const said = (more: object) => ({ role: 'assistant', content: null, ...more });
const result = (more: object = {}) => ({
  ...{ role: 'tool', tool_call_id: 'c1', content: 'out' },
  ...more,
});
const messages = (...all: object[]): ChatMessage[] => {
  expect(messagesFault(all)).toBeNull();
  return all as ChatMessage[];
};
const signed = { extra_content: { google: { thought_signature: 'abc' } } };

describe('messages in which everything is read here', () => {
  it.each<[string, object[]]>([
    ['texts, pictures and files', [user([{ type: 'text', text: 'a' }]), user('b', { name: 'x' })]],
    ['an answer that a package read', [said({ content: '{}', parsed: { a: 1 } })]],
    [
      'an answer of nothing else',
      [said({ content: '', annotations: [], audio: null, refusal: null })],
    ],
    ['calls', [user('a'), said({ tool_calls: [call({ index: 0 }, { parsed_arguments: {} })] })]],
    ['signed calls', [user('a'), said({ tool_calls: [call(signed)] }), result()]],
    ['thoughts', [said({ content: 'a', reasoning_content: 'b', reasoning_details: [{ c: 1 }] })]],
  ])('are told as a path is: %s', (_, all) => {
    expect(ownWords(messages(...all))).toBeNull();
    expect(branchWordsFault(messages(...all))).toBeNull();
  });
});

describe('messages with something that only a provider knows', () => {
  const answer = said({ content: 'a', parsed: {}, tool_calls: [call({ index: 0 })] });
  it.each<[string, string, object]>([
    ['a message', '[0].cache_control', user('a', CACHED)],
    ['a part', '[0].content[0].cache_control', user([{ type: 'text', text: 'a', ...CACHED }])],
    [
      'a picture',
      '[0].content[0].image_url.x',
      user([{ type: 'image_url', image_url: { url: 'https://example.org/a.png', x: 1 } }]),
    ],
    ['a system', '[0].cache_control', { role: 'system', content: 'a', ...CACHED }],
  ])('are sent as they are, and refused in a branch by name: in %s', (_, path, message) => {
    const all = messages(message, user('q'));
    expect(ownWords([...all, answer as ChatMessage, ...all])).toEqual([
      ...all,
      said({ content: 'a', tool_calls: [call()] }),
      ...all,
    ]);
    expect(branchWordsFault(all)).toBe(`${path} cannot be kept in a branch; leave it out`);
  });

  it.each<[string, object]>([
    ['.annotations', { annotations: [{ type: 'url_citation' }] }],
    ['.tool_calls[0].x', { tool_calls: [call({ x: 1 })] }],
    ['.tool_calls[0].function.x', { tool_calls: [call({}, { x: 1 })] }],
    ['.tool_calls[0].extra_content.x', { tool_calls: [call({ extra_content: { x: 1 } })] }],
    [
      '.tool_calls[0].extra_content.google.x',
      { tool_calls: [call({ extra_content: { google: { x: 1 } } })] },
    ],
  ])('are sent as they are in an answer, which a branch has itself: %s', (_, more) => {
    const all = messages(said({ content: 'a', ...more }), user('q'));
    expect(ownWords(all)).toEqual(all);
    expect(branchWordsFault(all)).toBeNull();
  });

  it('have no files that only this server knows', () => {
    const file = user([{ type: 'file', file: { file_id: 'file-1' } }]);
    expect(() => ownWords(messages(user('a', CACHED), file))).toThrow(
      expect.objectContaining({
        details: {
          errors: [
            { path: 'messages', message: expect.stringMatching(/^\[1\].*\[0\]\.cache_control/) },
          ],
        },
      }),
    );
    expect(ownWords(messages(file))).toBeNull();
  });
});

describe('tools with something that only a provider knows', () => {
  const tool = (name: string, more: object = {}, made: object = {}) => ({
    ...{ type: 'function' as const, ...more },
    function: { name, parameters: {}, ...made },
  });

  it('are sent as they are, as far as they are told at all; a branch refuses them by name', () => {
    const tools = [tool('a', CACHED), tool('b'), tool('c', {}, { colour: 1 })];
    expect(ownTools(tools, [{ name: 'a' }, { name: 'c' }])).toEqual([tools[0], tools[2]]);
    expect(branchToolsFault(tools)).toMatch(/^\[0\]\.cache_control cannot/);
    expect(branchToolsFault(tools.slice(1))).toMatch(/^\[1\]\.function\.colour cannot/);
  });

  it('are made here where there is nothing', () => {
    expect(ownTools([tool('a')], [{ name: 'a' }])).toBeNull();
    expect(ownTools(null)).toBeNull();
    expect(branchToolsFault([tool('a')])).toBeNull();
  });
});
