import { describe, expect, it } from '@jest/globals';
import { itemsFault } from './input-items.js';

const text = { type: 'input_text', text: 'a' };
const ITEMS: Record<string, object> = {
  message: { role: 'assistant', content: [{ type: 'output_text', text: 'a' }] },
  user: { type: 'message', role: 'user', content: [text] },
  function_call: { call_id: 'c', name: 'f', arguments: '{}' },
  function_call_output: { call_id: 'c', output: [text] },
  reasoning: { summary: [{ type: 'summary_text', text: 'a' }], content: [] },
  item_reference: { id: 'msg_1' },
};
const item = (type: string, more: object = {}): object => ({ type, ...ITEMS[type], ...more });
const fault = (one: object): string | null => itemsFault([one], 1);
const refused = (path: string): string => `[0]${path} cannot be kept here; leave it out`;

describe('the fields of items', () => {
  it.each(Object.keys(ITEMS))(
    'that say nothing, or come back as they went out, pass: %s',
    (type) => {
      const back = { id: 'x_1', status: 'completed', created_by: 'a', colour: null, agents: [] };
      expect(fault(item(type, back))).toBeNull();
    },
  );

  it.each(Object.keys(ITEMS))('that nobody here would read are refused by name: %s', (type) => {
    expect(fault(item(type, { cache_control: { type: 'ephemeral' } }))).toBe(
      refused('.cache_control'),
    );
  });

  it.each<[string, object]>([
    ['.async', item('function_call', { async: true })],
    ['.caller', item('function_call_output', { caller: { type: 'direct' } })],
    [
      '.content[0].prompt_cache_breakpoint',
      item('user', { content: [{ ...text, prompt_cache_breakpoint: {} }] }),
    ],
    ['.content[0].logprobs', item('message', { content: [{ ...text, logprobs: [{}] }] })],
    ['.output[0].colour', item('function_call_output', { output: [{ ...text, colour: 1 }] })],
    ['.summary[0].colour', item('reasoning', { summary: [{ text: 'a', colour: 1 }] })],
    [
      '.content[1].colour',
      item('user', {
        content: [text, { type: 'input_image', image_url: 'https://example.org/a.png', colour: 1 }],
      }),
    ],
  ])('are told where they stand: %s', (path, one) => {
    expect(fault(one)).toBe(refused(path));
  });

  it('that OpenAI’s packages read out of others themselves pass', () => {
    const parsed = [{ type: 'output_text', text: '{}', annotations: [], logprobs: [], parsed: {} }];
    expect(fault(item('message', { content: parsed }))).toBeNull();
    expect(fault(item('function_call', { parsed_arguments: {} }))).toBeNull();
  });
});
