const TITLE_CHARS_MAX = 60;

/** A name for a chat out of its first question: its first words, at most 60 characters, cut at the end of a word. */
export function titleOf(question: string): string {
  const line = question.replace(/[\s\p{Cc}]+/gu, ' ').trim();
  const chars = [...line];
  if (chars.length <= TITLE_CHARS_MAX) return line;
  const cut = chars.slice(0, TITLE_CHARS_MAX).join('');
  const end = cut.lastIndexOf(' ');
  // A language without spaces, or one long word.
  return `${(end > TITLE_CHARS_MAX / 2 ? cut.slice(0, end) : [...cut].slice(0, -1).join('')).replace(/[\s,;:.–-]+$/u, '')}…`;
}
