import { isUtf8 } from 'node:buffer';
import type { FastifyRequest } from 'fastify';
import { FREE_HOLDERS, FREE_JSON, handDown, LEVELS_MAX, rememberDigits } from './exact-json.js';
import { isObject } from './is-object.js';
import { noForm } from './multipart.js';
import { invalidField, problems } from './problems.js';

/** How much a body may hold. */
export interface BodyBounds {
  readonly bytes: number;
  /** How deep objects and lists may lie in each other. */
  readonly levels: number;
  /** Members of objects and items of lists, all together. */
  readonly values: number;
  /** Those of the body itself; as many as `values` where nothing is said. */
  readonly members?: number;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Of the bodies of this route; `BODY_BOUNDS` where nothing is said. */
    bodyBounds?: BodyBounds;
  }
}

/**
 * Nobody of good will nests deeper. The largest metadata (16 KiB) hold fewer values, and so does
 * every other body of our own routes.
 */
export const BODY_BOUNDS: BodyBounds = { bytes: 512 * 1024, levels: 32, values: 10_000 };
/** The parts of a pair hold any JSON: what a tool was given, and what it gave. */
export const PAIR_BOUNDS: BodyBounds = {
  ...{ bytes: 2 * 1024 * 1024, levels: LEVELS_MAX },
  ...{ values: 100_000, members: 100 },
};
/**
 * Clients of other protocols send their whole chat with each request: ten thousand messages of a
 * dozen members and some parts. Schemas of tools lie deep in each other.
 */
export const CHAT_BOUNDS: BodyBounds = {
  bytes: 8 * 1024 * 1024,
  levels: LEVELS_MAX,
  values: 200_000,
};

/**
 * Members of one object, wherever it lies. V8 keeps those with numbers for names in a dictionary
 * that it sorts each time they are listed: a hundred thousand take ten times what it takes to parse
 * them.
 */
export const MEMBERS_MAX = 10_000;

/** How many pairs a body may have, each with members that keep their digits. */
export const PAIRS_MAX = 100;

const codeOf = (sign: string): number => sign.charCodeAt(0);
const [QUOTE, BACKSLASH, U, SPACE, COLON, BRACE] = ['"', '\\', 'u', ' ', ':', '{'].map(codeOf) as [
  number,
  number,
  number,
  number,
  number,
  number,
];
/** What a byte outside of strings means to the walk; most mean nothing. */
const [NOTHING, STRING, COMMA, OPEN, CLOSE] = [0, 1, 2, 3, 4] as const;
const MEANING = new Uint8Array(256);
for (const [signs, meaning] of [
  ['"', STRING],
  [',', COMMA],
  ['[{', OPEN],
  [']}', CLOSE],
] as const)
  for (const sign of signs) MEANING[codeOf(sign)] = meaning;
/** What stands behind a `\u`: so many digits, which are worth that. */
const CODE_DIGITS = 4;
const DIGITS = new Uint8Array(256);
for (let digit = 0; digit < 16; digit++)
  for (const sign of digit.toString(16) + digit.toString(16).toUpperCase())
    DIGITS[codeOf(sign)] = digit;
const [SURROGATES, LOW_SURROGATES, BEHIND_SURROGATES] = [0xd800, 0xdc00, 0xe000] as const;
/**
 * With what a key may begin that stands for a member of `FREE_JSON`, and how long it may be, with a
 * code for each of its letters.
 */
const CODE = /\\u([\da-f]{4})/gi;
const BEGINS_FREE = new Set([...[...FREE_JSON].map(codeOf), BACKSLASH]);
const FREE_KEY_BYTES_MAX =
  Math.max(...[...FREE_JSON].map((name) => name.length)) * '\\u0000'.length;
/**
 * So many bytes of a string are looked at one by one before the search for its end is worth its
 * call.
 */
const SHORT_STRING = 64;

/**
 * Bodies none of whose strings would be changed by a store: nowhere in them stands U+0000 or a lone
 * surrogate.
 */
const sound = new WeakSet<object>();

/** Whether the strings of a body that `readJson` made need no look: no store would change them. */
export const isSound = (body: object): boolean => sound.has(body);

/**
 * The JSON of a body. Its bounds are checked in one walk over the bytes, before anything that costs
 * more sees it: a small body can hold a million lists, and what comes behind (the parser, the check
 * of fields, the answer that names the faults) pays for each.
 * @throws invalid_json, and validation_failed for what is out of bounds
 */
export function readJson(bytes: Buffer, bounds: BodyBounds = BODY_BOUNDS): unknown {
  // Decoding would silently put U+FFFD in the place of what is no UTF-8.
  if (!isUtf8(bytes)) throw problems.invalidJson({ detail: 'The body is not UTF-8.' });
  const walk = new Walk(bytes);
  walk.assertWithin(bounds);
  const text = bytes.toString();
  const body = parse(text);
  if (typeof body !== 'object' || body === null) return body;
  if (!walk.isSpoiled) sound.add(body);
  for (const [member, { from, to }] of walk.free) {
    const value = (body as Record<string, unknown>)[member];
    rememberDigits(value, () => bytes.toString('utf8', from, to));
    if (FREE_HOLDERS.has(member)) handDownIn(value);
  }
  return body;
}

/** Of a list only its end is kept: the last pairs, or what is new in a history. */
function handDownIn(value: unknown): void {
  if (isObject(value)) handDown(value, FREE_JSON);
  if (!Array.isArray(value)) return;
  const first = Math.max(0, value.length - PAIRS_MAX);
  const items: unknown[] = value.slice(first);
  handDown(
    value,
    Array.from(items, (_, at) => String(first + at)),
  );
  for (const item of items.filter(isObject)) handDown(item, FREE_JSON);
}

/** The content-type parser of Fastify. */
export function parseJsonBody(
  request: FastifyRequest,
  body: Buffer,
  done: (error: Error | null, value?: unknown) => void,
): void {
  if (request.routeOptions.config.takesForm) return done(noForm());
  // Many clients name a media type where they send no body; where one is needed, fields miss.
  if (body.length === 0) return done(null);
  let value: unknown;
  try {
    value = readJson(body, request.routeOptions.config.bodyBounds);
  } catch (error) {
    return done(error as Error);
  }
  done(null, value);
}

function parse(text: string): unknown {
  if (text === '') throw problems.invalidJson({ detail: 'The body is empty.' });
  try {
    return JSON.parse(text);
  } catch (error) {
    throw problems.invalidJson({ detail: (error as Error).message });
  }
}

interface Range {
  from: number;
  to: number;
}

/** One walk over the bytes of a body. What is no JSON may pass or not: the parser comes behind. */
class Walk {
  /** Whether a code stands in a string that is U+0000 or half of a pair of surrogates. */
  isSpoiled = false;
  /**
   * Where the values of the members of `FREE_JSON` are. Of members with one name the last one
   * counts, as for the parser.
   */
  readonly free = new Map<string, Range>();
  private member: Range | null = null;
  /** Members of the body that were read. */
  private ended = 0;
  /** Of each level that is open how many more members its object may have; a list has no end. */
  private readonly room: number[] = [];
  private readonly quotes: Finder;
  private readonly backslashes: Finder;

  constructor(private readonly bytes: Buffer) {
    this.quotes = new Finder(bytes, QUOTE);
    this.backslashes = new Finder(bytes, BACKSLASH);
  }

  /** @throws validation_failed */
  assertWithin({ levels, values, members }: BodyBounds): void {
    const { bytes } = this;
    // Each comma and each bracket begins one value at most.
    let begun = 0;
    let level = 0;
    let isKey = false;
    for (let at = 0; at < bytes.length; at++) {
      // White space is what a body can have most of for the least.
      while (bytes[at]! <= SPACE) at++;
      const meaning = MEANING[bytes[at]!];
      if (meaning === NOTHING) continue;
      if (meaning === STRING) {
        const end = this.endOfString(at + 1);
        if (isKey) this.beginMember(at + 1, end);
        isKey = false;
        at = end;
        continue;
      }
      if (level === 1 && meaning !== OPEN) this.endMember(at, members);
      if (meaning === CLOSE) {
        level--;
        continue;
      }
      if (++begun > values) throw invalidField('', `has more than ${values} members and items`);
      if (meaning === OPEN) this.open(at, ++level, levels);
      this.takeRoom(level);
      isKey = level === 1;
    }
  }

  private open(at: number, level: number, most: number): void {
    if (level > most) throw invalidField('', `is nested deeper than ${most} levels`);
    this.room[level] = this.bytes[at] === BRACE ? MEMBERS_MAX : Infinity;
  }

  private takeRoom(level: number): void {
    if (--this.room[level]! < 0)
      throw invalidField('', `has an object of more than ${MEMBERS_MAX} members`);
  }

  private beginMember(from: number, to: number): void {
    if (!BEGINS_FREE.has(this.bytes[from]!) || to - from > FREE_KEY_BYTES_MAX) return;
    const key = this.bytes.toString('latin1', from, to);
    const name = key.includes('\\')
      ? key.replace(CODE, (_, digits: string) => String.fromCharCode(parseInt(digits, 16)))
      : key;
    if (!FREE_JSON.has(name)) return;
    this.member = { from: this.bytes.indexOf(COLON, to) + 1, to: 0 };
    this.free.set(name, this.member);
  }

  private endMember(at: number, most = Infinity): void {
    if (this.member) this.member.to = at;
    this.member = null;
    if (++this.ended > most) throw invalidField('', `has more than ${most} members`);
  }

  /** Where the quote is that ends a string; the end of the bytes where there is none. */
  private endOfString(start: number): number {
    const { bytes } = this;
    let look = start + SHORT_STRING;
    for (let at = start; at < bytes.length; at++) {
      const byte = bytes[at];
      if (byte === QUOTE) return at;
      if (byte === BACKSLASH) {
        if (bytes[++at] === U) at = this.endOfCode(at);
      } else if (at >= look) {
        const quote = this.quotes.from(at);
        const backslash = this.backslashes.from(at);
        if (quote < backslash) return quote;
        at = backslash - 1;
        look = at + SHORT_STRING;
      }
    }
    return bytes.length;
  }

  /**
   * The last digit of the code whose `u` is at `at`; that of the low surrogate behind it where the
   * two are a pair.
   */
  private endOfCode(at: number): number {
    const { bytes } = this;
    const end = at + CODE_DIGITS;
    const code = this.codeAt(at + 1);
    if (code !== 0 && (code < SURROGATES || code >= BEHIND_SURROGATES)) return end;
    const next = bytes[end + 1] === BACKSLASH && bytes[end + 2] === U ? this.codeAt(end + 3) : 0;
    if (
      code >= SURROGATES &&
      code < LOW_SURROGATES &&
      next >= LOW_SURROGATES &&
      next < BEHIND_SURROGATES
    )
      return end + 2 + CODE_DIGITS;
    this.isSpoiled = true;
    return end;
  }

  private codeAt(at: number): number {
    let code = 0;
    for (let digit = at; digit < at + CODE_DIGITS; digit++)
      code = code * 16 + DIGITS[this.bytes[digit]!]!;
    return code;
  }
}

/** Finds one byte, time and again, and never looks at the same bytes twice. */
class Finder {
  private next = -1;

  constructor(
    private readonly bytes: Buffer,
    private readonly byte: number,
  ) {}

  /** Where it is next, at `at` or behind; the end of the bytes where it is not. */
  from(at: number): number {
    if (this.next < at) {
      const found = this.bytes.indexOf(this.byte, at);
      this.next = found < 0 ? this.bytes.length : found;
    }
    return this.next;
  }
}
