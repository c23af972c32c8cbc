const IDEOGRAPHS = String.raw`[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]`;
/**
 * Scripts that put no spaces between words: each of their characters counts as one, as word
 * processors do it.
 */
const IDEOGRAPH = new RegExp(IDEOGRAPHS, 'gu');
/**
 * From its first letter or digit of another script to the next space: so each run without spaces
 * counts once, if it has any.
 */
const WORD = new RegExp(String.raw`(?!${IDEOGRAPHS})[\p{L}\p{N}]\S*`, 'gu');

/**
 * How many words a text has: runs without spaces that have a letter or a digit (`it's`, `3.14` and
 * a URL are one each). In linear time.
 */
export const countWords = (text: string): number => matches(text, WORD) + matches(text, IDEOGRAPH);

function matches(text: string, pattern: RegExp): number {
  let count = 0;
  pattern.lastIndex = 0;
  while (pattern.test(text)) count++;
  return count;
}
