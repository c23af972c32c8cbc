/**
 * What every text of a body must be: both stores give it back as it came. A regular expression as
 * JSON Schema has it (ECMA-262, unanchored).
 */
export const ANY_TEXT = '^[^\\u0000]*$';
/**
 * A text that says something. A byte order mark is white space to JavaScript, and not to every
 * regular expression.
 */
export const SAID_TEXT = '^[^\\u0000]*[^\\s\\u0000\\uFEFF][^\\u0000]*$';
/** A name for programs: it says something, and has no control characters. */
export const NAME_TEXT = '^[^\\p{Cc}]*[^\\s\\p{Cc}\\uFEFF][^\\p{Cc}]*$';
/** A key of metadata: MongoDB would read others as operators or as paths. */
export const METADATA_KEY = '^[^$.\\u0000][^.\\u0000]*$';
/** A cursor: what it says is for the server alone (base64url, RFC 4648, 5). */
export const CURSOR_TEXT = '^[A-Za-z0-9_-]+$';
