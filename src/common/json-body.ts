import { isUtf8 } from 'node:buffer';
import type { FastifyRequest } from 'fastify';
import { rememberDigits } from './exact-json.js';
import { invalidField, problems } from './problems.js';

/** How much a body may hold, however few bytes that takes. */
export interface BodyBounds {
  /** How deep objects and lists may lie in each other. */
  readonly levels: number;
  /** Members of objects and items of lists, all together. */
  readonly values: number;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Of the bodies of this route; `BODY_BOUNDS` where nothing is said. */
    bodyBounds?: BodyBounds;
  }
}

/** Nobody of good will nests deeper. The largest metadata (16 KiB) hold fewer values, and so does every other body of our own routes. */
export const BODY_BOUNDS: BodyBounds = { levels: 32, values: 10_000 };

const [QUOTE, BACKSLASH, U, SPACE] = ['"', '\\', 'u', ' '].map((sign) => sign.charCodeAt(0)) as [number, number, number, number];
/** What a byte outside of strings means to the walk; most mean nothing. */
const [NOTHING, STRING, COMMA, OPEN, CLOSE] = [0, 1, 2, 3, 4] as const;
const MEANING = new Uint8Array(256);
for (const [signs, meaning] of [
  ['"', STRING],
  [',', COMMA],
  ['[{', OPEN],
  [']}', CLOSE],
] as const)
  for (const sign of signs) MEANING[sign.charCodeAt(0)] = meaning;
/** What stands behind a `\u`. */
const CODE_DIGITS = 4;
/** So many bytes of a string are looked at one by one before the search for its end is worth its call. */
const SHORT_STRING = 64;

/** Members of bodies that are kept as they came, to the last digit of their numbers. */
const FREE_JSON = ['metadata'];

/** Bodies in whose text no `\u` stands: as their bytes are UTF-8, no string of theirs can hold U+0000 or a lone surrogate. */
const plain = new WeakSet<object>();

/** Whether the strings of a body that `readJson` made need no look: no store would change them. */
export const isPlain = (body: object): boolean => plain.has(body);

/**
 * The JSON of a body. Its bounds are checked in one walk over the bytes, before anything that costs more sees it: a small body can hold a
 * million lists, and what comes behind (the parser, the check of fields, the answer that names the faults) pays for each.
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
  if (!walk.hasCodes) plain.add(body);
  for (const member of FREE_JSON) rememberDigits((body as Record<string, unknown>)[member], text, member);
  return body;
}

/** The content-type parser of Fastify. */
export function parseJsonBody(request: FastifyRequest, body: Buffer, done: (error: Error | null, value?: unknown) => void): void {
  // Many clients name a media type on a DELETE that has no body.
  if (body.length === 0 && request.method === 'DELETE') return done(null);
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

/** One walk over the bytes of a body. What is no JSON may pass or not: the parser comes behind. */
class Walk {
  /** Whether a `\u` stands in a string. */
  hasCodes = false;
  private readonly quotes: Finder;
  private readonly backslashes: Finder;

  constructor(private readonly bytes: Buffer) {
    this.quotes = new Finder(bytes, QUOTE);
    this.backslashes = new Finder(bytes, BACKSLASH);
  }

  /** @throws validation_failed */
  assertWithin({ levels, values }: BodyBounds): void {
    const { bytes } = this;
    // Each comma and each bracket begins one value at most.
    let begun = 0;
    let level = 0;
    for (let at = 0; at < bytes.length; at++) {
      // White space is what a body can have most of for the least.
      while (bytes[at]! <= SPACE) at++;
      const meaning = MEANING[bytes[at]!];
      if (meaning === NOTHING) continue;
      if (meaning === STRING) at = this.endOfString(at + 1);
      else if (meaning === CLOSE) level--;
      else if (meaning === OPEN && ++level > levels) throw invalidField('', `is nested deeper than ${levels} levels`);
      else if (++begun > values) throw invalidField('', `has more than ${values} members and items`);
    }
  }

  /** Where the quote is that ends a string; the end of the bytes where there is none. */
  private endOfString(start: number): number {
    const { bytes } = this;
    let look = start + SHORT_STRING;
    for (let at = start; at < bytes.length; at++) {
      const byte = bytes[at];
      if (byte === QUOTE) return at;
      if (byte === BACKSLASH) {
        if (bytes[++at] !== U) continue;
        this.hasCodes = true;
        at += CODE_DIGITS;
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
