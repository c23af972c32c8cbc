import { OfflineModel } from './offline-model.js';
import type { ModelMessage, ModelPart, ModelRequest } from './language-model.js';

const model = new OfflineModel();
const user = (content: string): ModelMessage => ({ role: 'user', content });
const assistant = (content: string): ModelMessage => ({ role: 'assistant', content });

async function partsOf(
  request: Partial<ModelRequest>,
  signal = new AbortController().signal,
): Promise<ModelPart[]> {
  const parts: ModelPart[] = [];
  for await (const part of model.stream(
    { model: null, messages: [user('Why?')], ...request },
    signal,
  ))
    parts.push(part);
  return parts;
}

const textOf = (parts: readonly ModelPart[]): string =>
  parts.map((part) => (part.type === 'delta' ? part.text : '')).join('');

describe('the offline model', () => {
  it('shows what it was asked and how much of the branch it saw', async () => {
    expect(textOf(await partsOf({}))).toBe(
      "I am Banyan's offline model: no language model is configured, so I cannot know the answer.\n" +
        'You asked: “Why?”\nBefore it I saw 0 earlier pairs of this branch.',
    );
    const messages = [
      { role: 'system' as const, content: 'Be brief.' },
      user('Who?'),
      assistant('Ada.'),
      user('When?'),
      user('Where?'),
    ];
    expect(textOf(await partsOf({ messages }))).toMatch(
      /saw 2 earlier pairs of this branch, the last one about “When\?”, and a system prompt\.$/,
    );
  });

  it('streams word by word, the same each time, and ends with its usage', async () => {
    const parts = await partsOf({});
    expect(parts).toEqual(await partsOf({}));
    expect(parts.slice(0, 4)).toEqual(
      ['I ', 'am ', "Banyan's ", 'offline '].map((text) => ({ type: 'delta', text })),
    );
    const end = {
      type: 'end',
      model: 'offline',
      finishReason: 'stop',
      usage: { input_tokens: 1, output_tokens: parts.length - 1 },
    };
    expect(parts.at(-1)).toEqual(end);
  });

  it('keeps to the limits of the request', async () => {
    const short = await partsOf({ maxOutputTokens: 3 });
    expect([textOf(short), short.at(-1)]).toEqual([
      "I am Banyan's ",
      expect.objectContaining({ finishReason: 'length' }),
    ]);
    const ended = await partsOf({ stop: ['nowhere', ' model', ': no'] });
    expect([textOf(ended), ended.at(-1)]).toEqual([
      "I am Banyan's offline",
      expect.objectContaining({ finishReason: 'stop' }),
    ]);
  });

  it('stands in for any model that is asked for', async () => {
    expect(model.find()).toBe(model.models()[0]);
    expect((await partsOf({ model: 'gpt-anything' })).at(-1)).toMatchObject({ model: 'offline' });
  });

  it('stops at once when it is told to', async () => {
    const stop = new AbortController();
    const said: ModelPart[] = [];
    const reading = (async () => {
      for await (const part of model.stream(
        { model: null, messages: [user('Why?')] },
        stop.signal,
      )) {
        if (said.push(part) === 3) stop.abort();
      }
    })();
    await expect(reading).rejects.toMatchObject({ name: 'AbortError' });
    expect(said).toHaveLength(3);
  });
});
