import fc from 'fast-check';
import type { FilePart } from '../tree/parts.js';
import { fitFiles } from './file-budget.js';
import type { ModelMessage } from './language-model.js';

const MAX = 100;
const file = (bytes: number, media_type = 'image/png'): FilePart => ({
  ...{ type: 'file', file_id: 'f', media_type, bytes, name: `of-${bytes}` },
});
const user = (...content: FilePart[]): ModelMessage => ({ role: 'user', content });
const said: ModelMessage = { role: 'assistant', content: 'Ah.' };
const tool = (...output: FilePart[]): ModelMessage => ({
  role: 'tool',
  content: [{ type: 'tool_result', call_id: 'c', name: 'f', output }],
});
const filesIn = (messages: readonly ModelMessage[]): FilePart[] =>
  JSON.stringify(messages)
    .match(/\{"type":"file"[^}]*\}/g)
    ?.map((json) => JSON.parse(json) as FilePart) ?? [];
const failing = (messages: ModelMessage[], mayCut = true): unknown => {
  try {
    return fitFiles(messages, mayCut, MAX);
  } catch (error) {
    return error;
  }
};

describe('the files of one request', () => {
  it('are the newest that have room together; each of the others is told by its name', () => {
    const turn = fc.tuple(
      fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 3 }),
      fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 2 }),
    );
    fc.assert(
      fc.property(fc.array(turn, { maxLength: 5 }), (turns) => {
        const earlier = turns.flatMap(([asked, given]) => [
          ...[user(...asked.map((bytes) => file(bytes))), said],
          ...[tool(...given.map((bytes) => file(bytes))), said],
        ]);
        const messages = [...earlier, user(file(40))];
        const fitted = fitFiles(messages, true, MAX);
        const told = filesIn(fitted);
        expect(told.map(({ name }) => name)).toEqual(filesIn(messages).map(({ name }) => name));
        const read = told.filter(({ file_id: id }) => id !== undefined);
        const bytes = read.reduce((sum, one) => sum + one.bytes!, 0);
        expect(bytes).toBeLessThanOrEqual(MAX);
        expect(told.at(-1)).toMatchObject({ file_id: 'f', bytes: 40 });
        const all = filesIn(messages).reduce((sum, one) => sum + one.bytes!, 0);
        if (all <= MAX) expect(fitted).toEqual(messages);
      }),
    );
  });

  it('of the question itself are refused by name, and all where nothing may be cut', () => {
    const large = [user(file(101))];
    expect(failing(large)).toMatchObject({
      code: 'files_too_large',
      message: expect.stringContaining('of-101'),
    });
    expect(failing([user(file(60)), said, user(file(60))], false)).toMatchObject({
      message: expect.stringContaining('of-60'),
    });
    expect(failing([user(file(60)), said, user(file(60))])).toHaveLength(3);
  });

  it('count where they are read: not those at an address, nor what no provider takes', () => {
    const url = 'https://example.org/a.png';
    const picture: FilePart = { type: 'file', url, media_type: 'image/png' };
    const archive = file(1000, 'application/zip');
    const messages = [user(picture, archive, file(100))];
    expect(fitFiles(messages, false, MAX)).toEqual(messages);
    const data: FilePart = { ...picture, url: `data:image/png;base64,${'A'.repeat(200)}` };
    expect(failing([user(data)])).toMatchObject({ code: 'files_too_large' });
  });
});
