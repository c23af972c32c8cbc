import { describe, expect, it } from '@jest/globals';
import { isLonger } from './text-length.js';

describe('the length of a text', () => {
  it('is counted in characters, whatever their code units', () => {
    for (const character of ['a', 'é', '語', '😀']) {
      expect(isLonger(character.repeat(3), 3)).toBe(false);
      expect(isLonger(character.repeat(4), 3)).toBe(true);
    }
    expect(isLonger('a😀b', 3)).toBe(false);
    expect(isLonger('a😀bc', 3)).toBe(true);
  });
});
