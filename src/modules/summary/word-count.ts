const TOKEN = /\S+/gu;
/** Scripts that put no spaces between words: each of their characters counts as one, as word processors do it. */
const IDEOGRAPH = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/gu;
const LETTER_OR_DIGIT = /[\p{L}\p{N}]/u;

/** How many words a text has: runs without spaces that have a letter or a digit (`it's`, `3.14` and a URL are one each). In linear time. */
export function countWords(text: string): number {
  let words = 0;
  for (const [token] of text.matchAll(TOKEN)) {
    const rest = token.replace(IDEOGRAPH, '');
    words += [...token].length - [...rest].length + (LETTER_OR_DIGIT.test(rest) ? 1 : 0);
  }
  return words;
}
