import fc from 'fast-check';
import { addPieces, chunkFrom, DeltaLog, partsToStore } from './delta-log.js';
import {
  joinRuns,
  type PartPiece,
  partsOfPieces,
  type Piece,
  type Run,
} from '../../tree/part-pieces.js';

const text = fc.string({ minLength: 1, maxLength: 8 });
const callId = fc.constantFrom('c1', 'c2');
const growing = fc.oneof(
  fc.record({ type: fc.constant('reasoning' as const), delta: text }),
  fc.record({
    type: fc.constant('tool_call' as const),
    call_id: callId,
    name: callId,
    delta: text,
  }),
);
const whole = fc.oneof(
  fc.record({ type: fc.constant('reasoning' as const), text }),
  fc.record({ type: fc.constant('refusal' as const), text }),
  fc.record({
    type: fc.constant('tool_call' as const),
    call_id: callId,
    name: callId,
    input: fc.jsonValue(),
  }),
);
const pieces = fc.array(fc.oneof(text, growing, whole), { maxLength: 40 });
const numbered = (said: (string | PartPiece)[]): Piece[] =>
  said.map((piece, i) =>
    typeof piece === 'string' ? { n: i + 1, delta: piece } : { n: i + 1, part: piece },
  );

describe('pieces of an answer', () => {
  it('come out of a log as they went in, however it was written down', () => {
    fc.assert(
      fc.property(pieces, fc.array(fc.nat(40)), (said, writes) => {
        const log = new DeltaLog();
        const stored: Piece[] = [];
        const write = (): void => {
          const chunks = log.toWrite();
          for (const { parts, ...chunk } of chunks) {
            const row = { ...chunk, parts: partsToStore({ ...chunk, parts }) };
            addPieces(stored, chunkFrom(JSON.parse(JSON.stringify(rowOf(row)))), 0);
          }
          log.written(chunks.length);
        };
        for (const [i, piece] of said.entries()) {
          expect(log.add(piece)).toBe(i + 1);
          if (writes.includes(i)) write();
        }
        write();
        expect(log.after(0, Infinity)).toEqual(numbered(said));
        expect(JSON.stringify(stored)).toBe(JSON.stringify(numbered(said)));
      }),
    );
  });

  it('make the same parts and the same text, joined or one by one', () => {
    fc.assert(
      fc.property(pieces, (said) => {
        const runs = numbered(said).map((piece) => ({ from: piece.n, ...piece }));
        const joined = runs.reduce<Run[]>((all, run) => joinRuns(all, [run]), []);
        expect(partsOfPieces(joined)).toEqual(partsOfPieces(numbered(said)));
        expect(joined.map(({ from }) => from)).toEqual([
          ...(joined.length > 0 ? [1] : []),
          ...joined.slice(0, -1).map(({ n }) => n + 1),
        ]);
        const texts = partsOfPieces(joined).flatMap((part) =>
          part.type === 'text' ? part.text : [],
        );
        expect(texts.join('')).toBe(said.filter((one) => typeof one === 'string').join(''));
      }),
    );
  });

  it('are kept as far as they came, and whole parts stand in the place of theirs', () => {
    const parts = partsOfPieces(
      numbered([
        { type: 'reasoning', delta: 'let ' },
        'Text ',
        { type: 'tool_call', call_id: 'c1', name: 'f', delta: '{"a"' },
        { type: 'tool_call', call_id: 'c2', name: 'g', delta: '{"b":' },
        { type: 'reasoning', text: 'let me' },
        { type: 'tool_call', call_id: 'c1', name: 'f', input: { a: 1 } },
        'more',
      ]),
    );
    expect(parts).toEqual([
      { type: 'reasoning', text: 'let me' },
      { type: 'text', text: 'Text ' },
      { type: 'tool_call', call_id: 'c1', name: 'f', input: { a: 1 } },
      { type: 'tool_call', call_id: 'c2', name: 'g', input: '{"b":' },
      { type: 'text', text: 'more' },
    ]);
  });
});

/** A row as a database gives it: lists are lists. */
const rowOf = ({ sizes, ...row }: { sizes: ArrayLike<number> } & object) => ({
  ...row,
  sizes: Array.from(sizes),
});
