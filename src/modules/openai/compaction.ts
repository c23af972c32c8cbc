const PREFIX = 'cmp1.';

/** What was said, shortened, as the client keeps it: nothing of it is kept here. */
export const compacted = (text: string): string => PREFIX + Buffer.from(text).toString('base64url');

/** The text in what `compacted` made; null for anything else. */
export function compactedText(content: string): string | null {
  if (!content.startsWith(PREFIX)) return null;
  const text = Buffer.from(content.slice(PREFIX.length), 'base64url').toString();
  return text.trim() === '' ? null : text;
}
