import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { ResponsePart } from '../../tree/parts.js';
import type { ResponseEvent } from './item-events.js';
import { argumentsOf } from './part-items.js';
import { ResponseEvents } from './response-events.js';
import type { ResponseHead, ResponseState } from './response-wire.js';

const HEAD: ResponseHead = {
  responseId: '019aa1b3-0d4e-7a6b-9c8d-2e3f4a5b6c7d',
  createdAt: 1_764_000_000,
  model: 'm',
  previous: null,
  rootChatId: '019aa1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b',
  metadata: {},
  settings: {},
};
const ended = (
  parts: readonly ResponsePart[],
  status: ResponseState['status'] = 'complete',
): ResponseState => ({ status, parts, usage: null, error: null, model: 'm', endedAt: 1 });

/** A part, cut in the pieces in which it comes. */
type Cut = { part: ResponsePart; pieces: string[] };

/** What a reader gets of an answer that is told so. */
function told(
  cuts: readonly Cut[],
  state: ResponseState,
  { after, whole = true }: { after?: number; whole?: boolean } = {},
): ResponseEvent[] {
  const events = new ResponseEvents(HEAD, after);
  const all = [...events.begin()];
  for (const { part, pieces } of cuts) {
    for (const piece of pieces) {
      if (part.type === 'tool_call') {
        const { call_id, name } = part;
        all.push(...events.piece({ type: 'tool_call', call_id, name, delta: piece }));
      } else all.push(...events.delta(piece, part.type as 'text' | 'reasoning'));
    }
    if (whole && part.type !== 'text') all.push(...events.piece(part));
  }
  return [...all, ...events.end(state)];
}

/** The deltas of each item, put together. */
function textsOf(events: readonly ResponseEvent[]): Record<string, string> {
  const texts: Record<string, string> = {};
  for (const event of events) {
    const { delta, item_id: id } = event as { delta?: string; item_id?: string };
    if (delta !== undefined) texts[id!] = (texts[id!] ?? '') + delta;
  }
  return texts;
}

const aPiece = fc.string({ minLength: 1, maxLength: 6, unit: 'grapheme' });
const pieces = fc.array(aPiece, { minLength: 1, maxLength: 5 });
const aText = pieces.map((cut): Cut => ({
  part: { type: 'text', text: cut.join('') },
  pieces: cut,
}));
const aThought = pieces.map((cut): Cut => ({
  part: { type: 'reasoning', text: cut.join('') },
  pieces: cut,
}));
const aCall = fc
  .tuple(fc.uuid(), fc.dictionary(aPiece, fc.integer()))
  .map(([call_id, input]): Cut => {
    const text = argumentsOf(input);
    const half = Math.floor(text.length / 2);
    const part = { type: 'tool_call', call_id, name: 'f', input } as const;
    return { part, pieces: [text.slice(0, half), text.slice(half)] };
  });
/** Texts in a row would be one. */
const anAnswer = fc
  .array(fc.oneof(aText, aThought, aCall), { maxLength: 6 })
  .map((cuts) =>
    cuts.filter(
      ({ part }, at) => part.type === 'tool_call' || cuts[at - 1]?.part.type !== part.type,
    ),
  );
const partsOf = (cuts: readonly Cut[]): ResponsePart[] => cuts.map(({ part }) => part);

describe('the events of a response', () => {
  it('give whoever resumes behind any event exactly what came after it, though the pieces are gone', () => {
    fc.assert(
      fc.property(anAnswer, fc.nat(), (cuts, at) => {
        const state = ended(partsOf(cuts));
        const first = told(cuts, state);
        const seen = at % first.length;
        const { sequence_number: after } = first[seen]!;
        const rest = told([], state, { after });
        const both = [...first.slice(0, seen + 1), ...rest];
        expect(textsOf(both)).toEqual(textsOf(first));
        expect(rest.at(-1)).toEqual(first.at(-1));
        const others = ({ type }: ResponseEvent): boolean => !type.endsWith('.delta');
        if (seen < first.length - 1)
          expect(rest.filter(others)).toEqual(first.slice(seen + 1).filter(others));
      }),
    );
  });

  it('have numbers that rise, an item for each part, and the text of each in its deltas', () => {
    fc.assert(
      fc.property(anAnswer, fc.boolean(), (cuts, whole) => {
        const events = told(cuts, ended(partsOf(cuts)), { whole });
        const { response } = events.at(-1) as unknown as { response: { output: any[] } };
        expect(response.output).toHaveLength(cuts.length);
        const done = events.filter(({ type }) => type === 'response.output_item.done');
        const byPlace = done.sort(
          (one, other) => Number(one.output_index) - Number(other.output_index),
        );
        expect(byPlace.map(({ item }) => item)).toEqual(response.output);
        const texts = textsOf(events);
        for (const [at, { pieces: cut }] of cuts.entries())
          expect(texts[response.output[at].id]).toBe(cut.join(''));
        if (!whole) return;
        const numbers = events.map(({ sequence_number: number }) => number);
        expect(numbers.every((number, i) => i === 0 || number > numbers[i - 1]!)).toBe(true);
      }),
    );
  });

  it('of a call have its whole input when it is done, also where it came otherwise than it is kept', () => {
    const part = { type: 'tool_call', call_id: 'c', name: 'f', input: { a: 1 } } as const;
    const events = told([{ part, pieces: ['{ "a":', '  1 }'] }], ended([part]));
    expect(events.map(({ type }) => type).slice(2)).toEqual([
      'response.output_item.added',
      'response.function_call_arguments.delta',
      'response.function_call_arguments.delta',
      'response.function_call_arguments.done',
      'response.output_item.done',
      'response.completed',
    ]);
    expect(events.at(-3)).toMatchObject({ arguments: '{"a":1}', name: 'f' });
    const late = told([], ended([part]), { after: events[4]!.sequence_number });
    expect(late.map(({ type }) => type)).toEqual(events.slice(5).map(({ type }) => type));
  });

  it.each([
    ['failed', 'response.failed'],
    ['cancelled', 'response.incomplete'],
    ['interrupted', 'response.incomplete'],
    ['complete', 'response.completed'],
  ] as const)(
    'of an answer that is %s end with %s, also for a reader who has more than was kept',
    (status, type) => {
      const parts: ResponsePart[] = status === 'failed' ? [] : [{ type: 'text', text: 'ab' }];
      for (const after of [undefined, 3, 5, 500, 9_000_000])
        expect(told([], ended(parts, status), { after }).at(-1)).toMatchObject({ type });
    },
  );
});
