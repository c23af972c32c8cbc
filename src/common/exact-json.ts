/** Members of bodies that are kept as they came, to the last digit of their numbers. */
export const FREE_JSON: ReadonlySet<string> = new Set(['metadata']);

/**
 * JSON that a number of JavaScript may not survive: many digits, a fraction, an exponent, or a
 * minus before nothing.
 */
const MAY_LOSE = /\d{16}|\d[.eE]|-0/;
/** Strings, and numbers outside of them. */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*/g;
const QUOTED_NUMBER = /"\\u0000([^"]*)"/g;

interface Source {
  text: string;
  /** The member of `text` that is meant; all of it when absent. */
  member: string | undefined;
  twin?: unknown;
}

const sources = new WeakMap<object, Source>();

/**
 * Remembers out of which JSON a value was read, so that `exactJson` can write its numbers as they
 * came (`1546130668394913822`, `1.10`, `1e400`,
 * `-0`). It costs nothing until then. Holds for this very object: a copy of it has lost them.
 */
export function rememberDigits(value: unknown, text: string, member?: string): void {
  if (typeof value === 'object' && value !== null) sources.set(value, { text, member });
}

/** The JSON of a value, with each digit of its numbers where `rememberDigits` was told of it. */
export function exactJson(value: unknown): string {
  return JSON.stringify(exactTwin(value)).replace(QUOTED_NUMBER, '$1');
}

/** The same for each member of an object: its key, and the JSON of its value. */
export function exactEntries(value: object): [key: string, json: string][] {
  return Object.entries(exactTwin(value) as object).map(([key, inner]) => [key, exactJson(inner)]);
}

/**
 * The value with numbers that would not come back as they came in the place of which stand their
 * digits, as text behind U+0000. No text that is kept here has that character, so none can be taken
 * for a number.
 */
export function exactTwin(value: unknown): unknown {
  const source = typeof value === 'object' && value !== null ? sources.get(value) : undefined;
  if (!source) return value;
  if (!('twin' in source)) source.twin = MAY_LOSE.test(source.text) ? twinOf(source) : value;
  return source.twin;
}

function twinOf({ text, member }: Source): unknown {
  const quoted = text.replace(TOKEN, (token) => (survives(token) ? token : `"\\u0000${token}"`));
  const twin = JSON.parse(quoted) as Record<string, unknown>;
  return member === undefined ? twin : twin[member];
}

const survives = (token: string): boolean =>
  token.startsWith('"') || String(Number(token)) === token;
