import { describe, expect, it } from '@jest/globals';
import { questionHashes } from './history.js';
import type { InputItem } from './input-items.js';
import { turnsOf } from './turns.js';

const user = (content: string): InputItem => ({ role: 'user', content });
const said = (content: string, more: object = {}): InputItem => ({
  role: 'assistant',
  content,
  ...more,
});
const system = (content: string): InputItem => ({ role: 'system', content });
const call = (id: string): InputItem => ({
  type: 'function_call',
  call_id: id,
  name: 'f',
  arguments: '{"a":1}',
});
const result = (id: string): InputItem => ({
  type: 'function_call_output',
  call_id: id,
  output: 'out',
});
/** Turns in short: what each side is made of. */
const shape = (items: readonly InputItem[]): string[] =>
  turnsOf(items).map(({ question, response }) =>
    [question, response]
      .map((side) => side.map((part) => ('text' in part ? part.text : part.type)).join('+'))
      .join(' | '),
  );

describe('items as turns', () => {
  it.each<[string, InputItem[], string[]]>([
    ['a question and its answer are one', [user('q'), said('a'), user('r')], ['q | a', 'r | ']],
    [
      'what tools gave is the question of the next one',
      [user('q'), call('1'), call('2'), result('1'), result('2'), said('a')],
      ['q | tool_call+tool_call', 'tool_result+tool_result | a'],
    ],
    ['two questions in a row are two', [user('q'), user('r')], ['q | ', 'r | ']],
    ['an assistant that begins has no question', [said('a'), user('q')], [' | a', 'q | ']],
    [
      'of two answers in a row the second has no question',
      [user('q'), said('a'), said('b')],
      ['q | a', ' | b'],
    ],
    [
      'what is said with a call belongs to it',
      [user('q'), said('wait'), call('1'), result('1'), said('b')],
      ['q | wait+tool_call', 'tool_result | b'],
    ],
    [
      'instructions go with the question behind them',
      [system('s'), user('q'), said('a'), system('t'), user('r')],
      ['s+q | a', 't+r | '],
    ],
    ['instructions at the end go with the question before', [user('q'), system('s')], ['q+s | ']],
    ['instructions alone are a question', [system('s'), said('a')], ['s | a']],
  ])('%s', (_, items, expected) => expect(shape(items)).toEqual(expected));

  it('keep two texts of a message as two parts', () => {
    const content = [
      { type: 'input_text', text: 'Translate to French:' },
      { type: 'input_text', text: 'good morning' },
    ];
    expect(shape([{ role: 'user', content }])).toEqual(['Translate to French:+good morning | ']);
  });

  it('know the pair that an item was told to be a part of', () => {
    const pair = '019aa1b3-0d4e-7a6b-9c8d-2e3f4a5b6c7d';
    const known = (id: string) => turnsOf([user('q'), said('a', { id })])[0]!.known;
    expect([known(`msg_${pair}`), known(`msg_${pair}_2`), known('msg_1')]).toEqual([
      pair,
      pair,
      null,
    ]);
  });
});

describe('a history', () => {
  it('is known again by all that was said, however it is cut in parts', () => {
    const hashes = (items: InputItem[]) =>
      questionHashes(turnsOf(items)).map((hash) => hash.toString('hex'));
    const before = [user('q'), said('a'), user('r')];
    const cut = [
      user('q'),
      { role: 'assistant', content: [{ type: 'output_text', text: 'a' }] } as InputItem,
      user('r'),
    ];
    expect(hashes(cut)).toEqual(hashes(before));
    expect(hashes([...before, said('b'), user('s')]).slice(0, 2)).toEqual(hashes(before));
    for (const other of [
      [user('x'), said('a'), user('r')],
      [user('q'), said('x'), user('r')],
      [system('s'), user('q'), said('a'), user('r')],
    ])
      expect(hashes(other)[1]).not.toBe(hashes(before)[1]);
  });
});
