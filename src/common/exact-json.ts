/** Members of bodies that are kept as they came, to the last digit of their numbers. */
export const FREE_JSON: ReadonlySet<string> = new Set([
  'metadata',
  'question_parts',
  'response_parts',
  'settings',
  ...['parts', 'tools'],
  ...['state', 'resume', 'forwardedProps', 'content'],
  ...['pairs', 'message', 'messages'],
]);
/** Those that are objects, or lists of objects, which have such members. */
export const FREE_HOLDERS: ReadonlySet<string> = new Set(['pairs', 'message', 'messages']);

/** How deep objects and lists of a body may lie in each other that holds any JSON. */
export const LEVELS_MAX = 64;

/**
 * JSON that a number of JavaScript may not survive: many digits, a fraction, an exponent, or a
 * minus before nothing.
 */
const MAY_LOSE = /\d{16}|\d[.eE]|-0/;
/** Strings, and numbers outside of them. */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*/g;
const QUOTED_NUMBER = /"\\u0000([^"]*)"/g;

interface Text {
  text: () => string;
  mayLose?: boolean;
  twin?: unknown;
}

interface Source {
  of: Text;
  /** Where in `of` the value stands; nothing for all of it. */
  path: readonly string[];
}

const sources = new WeakMap<object, Source>();

/**
 * Remembers out of which JSON a value was read, so that `exactJson` can write its numbers as they
 * came (`1546130668394913822`, `1.10`, `1e400`,
 * `-0`). It costs nothing until then. Holds for this very object: a copy of it has lost them.
 */
export function rememberDigits(value: unknown, text: string | (() => string)): void {
  remember(value, { of: { text: typeof text === 'string' ? () => text : text }, path: [] });
}

/**
 * The value of a JSON text. What is taken out of it, and a copy of that, keeps its digits as well.
 * @throws SyntaxError
 */
export function readExact<Value>(text: string): Value {
  const value = JSON.parse(text) as Value;
  rememberAll(value, wholeOf(text));
  return value;
}

const wholeOf = (text: string): Source => ({ of: { text: () => text }, path: [] });

/** What is nested deeper could not be said in the parts of a pair, where it stands in five more. */
const TEXT_LEVELS_MAX = LEVELS_MAX - 5;

/**
 * The same of JSON that stands in a text, as models write the input of tools; the text itself where
 * it is none, or too deep for whoever writes it again.
 */
export function jsonIn(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    if (!isFlat(value, TEXT_LEVELS_MAX)) return text;
    rememberAll(value, wholeOf(text));
    return value;
  } catch {
    return text;
  }
}

/** Whether objects and lists lie in each other in so many levels at most. */
export const isFlat = (value: unknown, levels: number): boolean =>
  typeof value !== 'object' ||
  value === null ||
  (levels > 0 && Object.values(value).every((one) => isFlat(one, levels - 1)));

/** Remembers the same of some members of an object that was read out of that JSON. */
export function rememberMembers(value: object, text: string, members: readonly string[]): void {
  const of = { text: () => text };
  for (const member of members)
    rememberAll((value as Record<string, unknown>)[member], { of, path: [member] });
}

function rememberAll(value: unknown, { of, path }: Source): void {
  if (typeof value !== 'object' || value === null) return;
  remember(value, { of, path });
  const inner = Object.entries(value).filter(([, one]) => typeof one === 'object' && one !== null);
  if (inner.length === 0 || !mayLose(of)) return;
  for (const [key, one] of inner) rememberAll(one, { of, path: [...path, key] });
}

const mayLose = (of: Text): boolean => (of.mayLose ??= MAY_LOSE.test(of.text()));

/**
 * The same of what stands within an object that they are remembered of, so that it may be taken out
 * of that. Nothing where they are not.
 */
function rememberWithin(value: object, path: readonly string[]): void {
  const source = sources.get(value);
  if (!source) return;
  const inner = path.reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], value);
  remember(inner, { of: source.of, path: [...source.path, ...path] });
}

/**
 * Remembers of some members by themselves (of all, where none are named) what is remembered of the
 * whole, so that a copy with other members in some places keeps the digits of the rest.
 */
export function handDown(value: object, keys: Iterable<string> = Object.keys(value)): void {
  for (const key of keys) rememberWithin(value, [key]);
}

function remember(value: unknown, source: Source): void {
  if (typeof value === 'object' && value !== null) sources.set(value, source);
}

/**
 * The JSON of a value, with each digit of its numbers where they are remembered: of the value, or
 * of objects within it.
 */
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
  if (typeof value !== 'object' || value === null) return value;
  const source = sources.get(value);
  if (!source) return twinOfMade(value);
  const { of, path } = source;
  if (!('twin' in of)) of.twin = mayLose(of) ? twinOf(of.text()) : undefined;
  if (of.twin === undefined) return value;
  return path.reduce<unknown>((inner, key) => (inner as Record<string, unknown>)[key], of.twin);
}

const twinOf = (text: string): unknown =>
  JSON.parse(text.replace(TOKEN, (token) => (survives(token) ? token : `"\\u0000${token}"`)));

/** Of an object that was not read but made, perhaps of values that were read: itself, mostly. */
function twinOfMade(value: object): object {
  const changed = Object.entries(value).flatMap(([key, inner]) => {
    const twin = exactTwin(inner);
    return twin === inner ? [] : [[key, twin] as const];
  });
  if (changed.length === 0) return value;
  const copy = Array.isArray(value) ? [...(value as unknown[])] : { ...value };
  return Object.assign(copy, Object.fromEntries(changed));
}

const survives = (token: string): boolean =>
  token.startsWith('"') || String(Number(token)) === token;
