import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ResponseEvents } from './response-events.js';
import type { ResponseHead, ResponseState } from './response-wire.js';

const HEAD: ResponseHead = {
  responseId: '019aa1b3-0d4e-7a6b-9c8d-2e3f4a5b6c7d',
  createdAt: 1_764_000_000,
  model: 'm',
  instructions: null,
  previous: null,
  rootChatId: '019aa1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b',
  metadata: {},
  settings: {},
};
const ended = (
  text: string | null,
  status: ResponseState['status'] = 'complete',
): ResponseState => ({
  status,
  text,
  usage: null,
  error: null,
  model: 'm',
});

interface Event {
  type: string;
  sequence_number: number;
  delta?: string;
}

/** What a reader gets of an answer that is told in these pieces. */
function told(pieces: readonly string[], state: ResponseState, after?: number): Event[] {
  const events = new ResponseEvents(HEAD, after);
  const text = [
    events.begin(),
    ...pieces.map((piece) => events.delta(piece)),
    events.end(state),
  ].join('');
  // By line feeds alone: to a regular expression U+2028 would end a line too.
  const lines = text.split('\n').filter((line) => line.startsWith('data: '));
  return lines.map((line) => JSON.parse(line.slice('data: '.length)) as Event);
}
const textOf = (events: readonly Event[]): string => events.map(({ delta = '' }) => delta).join('');
const aPiece = fc.string({ minLength: 1, maxLength: 8, unit: 'grapheme' });

describe('the events of a response', () => {
  it('give whoever resumes behind any event exactly what came after it, however the text is cut then', () => {
    const aCase = fc.record({
      pieces: fc.array(aPiece, { maxLength: 8 }),
      others: fc.array(aPiece, { maxLength: 8 }),
      at: fc.nat(),
    });
    fc.assert(
      fc.property(aCase, ({ pieces, others, at }) => {
        const text = pieces.join('');
        const first = told(pieces, ended(text));
        const seen = at % first.length;
        const { sequence_number: after } = first[seen]!;
        // Of a finished answer there are no pieces any more; another instance may have other ones.
        const again = text.startsWith(others.join('')) ? others : [];
        const rest = told(again, ended(text), after);
        expect(textOf(first.slice(0, seen + 1)) + textOf(rest)).toBe(text);
        expect(rest.slice(0, -1).every(({ sequence_number: number }) => number > after)).toBe(true);
        expect(rest.at(-1)).toEqual(first.at(-1));
        const closing = ({ type }: Event): boolean => !type.endsWith('.delta');
        if (seen < first.length - 1)
          expect(rest.filter(closing)).toEqual(first.slice(seen + 1).filter(closing));
      }),
    );
  });

  it('have numbers that rise', () => {
    fc.assert(
      fc.property(fc.array(aPiece), (pieces) => {
        const numbers = told(pieces, ended(pieces.join(''))).map(
          ({ sequence_number: number }) => number,
        );
        expect(numbers.every((number, i) => i === 0 || number > numbers[i - 1]!)).toBe(true);
      }),
    );
  });

  it.each([
    ['failed', 'response.failed'],
    ['cancelled', 'response.incomplete'],
    ['interrupted', 'response.incomplete'],
    ['complete', 'response.completed'],
  ] as const)(
    'of an answer that is %s end with %s, also for a reader who has more than was kept',
    (status, type) => {
      for (const after of [undefined, 3, 5, 500]) {
        const events = told([], ended(status === 'failed' ? null : 'ab', status), after);
        expect(events.at(-1)).toMatchObject({ type });
      }
    },
  );
});
