import fc from 'fast-check';
import { countWords } from './word-count.js';
import { stopwatch } from '../../../test/support/machine-clock.js';

describe('words', () => {
  it.each([
    ['', 0],
    [' \n\t ', 0],
    ['q1', 1],
    ['Where does the midnight sun begin?', 6],
    ['It’s well-known: 3.14 — see https://example.org/a?b=c !', 5],
    ['…!? --- ***', 0],
    ['Straße naïve Ω', 3],
    ['白夜', 2],
    ['Bodø は北です', 5],
    ['नमस्ते दुनिया', 2],
  ])('in %j are %d', (text, words) => {
    expect(countWords(text)).toBe(words);
  });

  it('of two texts together are those of both', () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.string(),
        (left, right) => countWords(`${left} ${right}`) === countWords(left) + countWords(right),
      ),
    );
  });

  it('are counted in linear time, whatever the text', () => {
    const ran = stopwatch();
    for (const text of ['!', 'a', '白', ' '].map((one) => one.repeat(262_144))) countWords(text);
    expect(ran()).toBeLessThan(2000);
  });
});
