import { exactJson, isFlat, rememberDigits } from '../../common/exact-json.js';

const PREFIX = 'rsn1.';
/** What no store can keep. */
const BROKEN_TEXT = /\\u(0000|d[89a-f])/i;
const LEVELS_MAX = 16;

/**
 * What only a provider can read of thoughts, as the one text that OpenAI's clients hand back unread
 * (`encrypted_content`). A provider's own text stays as it is.
 */
export const sealed = (opaque: unknown): string =>
  typeof opaque === 'string'
    ? opaque
    : PREFIX + Buffer.from(exactJson(opaque)).toString('base64url');

/** What `sealed` was given; any other text as it is. */
export function unsealed(text: string): unknown {
  if (!text.startsWith(PREFIX)) return text;
  const json = Buffer.from(text.slice(PREFIX.length), 'base64url').toString();
  try {
    const opaque: unknown = JSON.parse(json);
    if (BROKEN_TEXT.test(json) || !isFlat(opaque, LEVELS_MAX)) return text;
    rememberDigits(opaque, json);
    return opaque;
  } catch {
    return text;
  }
}
