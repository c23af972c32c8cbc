import fc from 'fast-check';
import { CleanText, cutToBytes } from './clean-text.js';

/** Code units with many halves of pairs and many U+0000 among them. */
const unit = fc.oneof(
  fc.constantFrom('\ud83d', '\ude00', '\0', 'a', 'é', '\ufffd'),
  fc.nat({ max: 0xffff }).map((code) => String.fromCharCode(code)),
);
const pieces = fc.array(
  fc.array(unit, { maxLength: 5 }).map((units) => units.join('')),
  { maxLength: 20 },
);

describe('the text of a provider', () => {
  it('is cleaned in pieces as it would be as a whole, and every piece can be stored', () => {
    fc.assert(
      fc.property(pieces, (given) => {
        const cleaner = new CleanText();
        const got = [...given.map((piece) => cleaner.push(piece)), cleaner.end()];
        expect(got.every((piece) => piece.isWellFormed() && !piece.includes('\0'))).toBe(true);
        expect(got.join('')).toBe(given.join('').toWellFormed().replaceAll('\0', '\ufffd'));
      }),
      { numRuns: 1000 },
    );
  });

  it('is cut between characters, as late as the limit allows', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', maxLength: 30 }),
        fc.nat({ max: 80 }),
        (text, limit) => {
          const cut = cutToBytes(text, limit);
          const next = [...text.slice(cut.length)][0];
          expect(text.startsWith(cut) && cut.isWellFormed()).toBe(true);
          expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(limit);
          if (next !== undefined) expect(Buffer.byteLength(cut + next)).toBeGreaterThan(limit);
        },
      ),
    );
  });
});
