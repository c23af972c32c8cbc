import { eachToken } from './search-tokens.js';

/** What is searched of a pair, in plain text. */
export interface SideTexts {
  question: string;
  response: string;
}

export type TextSide = keyof SideTexts;

/** A side is told by the weight of its words, which PostgreSQL has four of. */
export const WEIGHTS: Readonly<Record<TextSide, 'A' | 'B'>> = { question: 'A', response: 'B' };

/** PostgreSQL has positions up to 16383: in longer texts they begin anew. */
const POSITIONS = 16_383;
/** It keeps 255 positions of a word. */
const PLACES_MAX = 255;
/** It takes 1 MiB of words with their positions: what is longer is found by its beginning. */
const BYTES_MAX = 900_000;
/** Between the sides, so that no phrase reaches from one into the other. */
const GAP = 16;

/**
 * In front of each word, so that the index of words has nothing of other accounts between those of
 * one. Two accounts may share it: rows are told apart by their `account_id`.
 */
export const accountKey = (accountId: string): string => keyOf(accountId, 3);

/** A word that no text has: all pairs of a conversation have it. */
export const conversationWord = (accountId: string, rootChatId: string): string =>
  `${accountKey(accountId)}/${keyOf(rootChatId, 6)}`;

/** The last bytes of a UUID v7 are random. */
const keyOf = (id: string, bytes: number): string =>
  Buffer.from(id.replaceAll('-', '').slice(-2 * bytes), 'hex').toString('base64url');

/** FNV-1a, so that the hash of a text goes on from that of its beginning. */
const HASH_START = 0x811c9dc5;
function hashOn(hash: number, text: string): number {
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash;
}

/** Of a word, for whatever follows it. */
const hashBefore = (first: string): number =>
  Math.imul(hashOn(HASH_START, first) ^ 0x20, 0x01000193);
/** Which of the words for neighbours: 12 bits. */
const neighboursAt = (before: number, second: string): number => {
  const hash = hashOn(before, second);
  return (hash ^ (hash >>> 15)) & 0xfff;
};
const NEIGHBOURS = Array.from({ length: 0x1000 }, (_, n) => `~${n.toString(16)}`);

/**
 * A word for two that follow each other, one of 4096. The index of words knows no positions:
 * without it a phrase of common words would be looked for in all pairs that have them anywhere.
 * Others may share it, and a phrase is looked for by its words besides.
 */
export const neighbours = (key: string, first: string, second: string): string =>
  key + NEIGHBOURS[neighboursAt(hashBefore(first), second)]!;

/** The words of a pair before they are written. */
interface WordPlaces {
  /** Of each word its places as PostgreSQL keeps them: the number of its weight above the place. */
  places: Map<string, number[]>;
  /** Numbers of words for neighbours. */
  together: number[];
}

const PLACE_BITS = 14;
const WEIGHT_NUMBERS = { A: 3, B: 2 } as const;
const placeIn = (packed: number): number => packed & (2 ** PLACE_BITS - 1);

/** Of one pair at a time, and empty between them: made for each, it costs as much as words. */
const isTogether = new Uint8Array(NEIGHBOURS.length);

function placesOf(texts: SideTexts): WordPlaces {
  const places = new Map<string, number[]>();
  const together: number[] = [];
  let room = BYTES_MAX;
  let start = 1;
  for (const side of ['question', 'response'] as const) {
    const weight = WEIGHT_NUMBERS[WEIGHTS[side]] << PLACE_BITS;
    let last = 0;
    let here = '';
    let before: number | null = null;
    eachToken(texts[side], ({ lexeme, position }) => {
      if (position > last) before = hashBefore(here);
      [last, here] = [position, lexeme];
      if (before !== null) {
        const number = neighboursAt(before, lexeme);
        if (isTogether[number] === 0) isTogether[number] = together.push(number) && 1;
      }
      const known = places.get(lexeme);
      if (known && known.length >= PLACES_MAX) return true;
      room -= known ? 2 : lexeme.length;
      if (room < 0) return false;
      const place = weight | (((start + position) % POSITIONS) + 1);
      if (known) known.push(place);
      else places.set(lexeme, [place]);
      return true;
    });
    start += last + GAP;
  }
  for (const number of together) isTogether[number] = 0;
  return { places, together };
}

/** In their order, each once: PostgreSQL takes no others. They begin anew in long texts. */
function inOrder(places: number[]): readonly number[] {
  const isBehind = (place: number, i: number): boolean =>
    i === 0 || placeIn(place) > placeIn(places[i - 1]!);
  if (places.length === 1 || places.every(isBehind)) return places;
  return places.sort((a, b) => placeIn(a) - placeIn(b) || b - a).filter(isBehind);
}

/** `tsvector` has the same number in every PostgreSQL. */
const TSVECTOR_OID = 3614;
const FIRST_BYTES = 0x10000;

/**
 * The words of pairs, with their positions and sides, as PostgreSQL takes a `tsvector[]` in binary
 * form, which it reads much quicker than text. Made here and not by a configuration of PostgreSQL,
 * so that nothing has to be installed there, code and scripts without spaces are cut as people look
 * for them, and the same rules mark what was found.
 */
export class Vectors {
  private bytes = Buffer.allocUnsafe(FIRST_BYTES);
  private end = 20;
  private count = 0;

  /** Puts the words of one more pair behind the others. */
  add(accountId: string, rootChatId: string, texts: SideTexts): void {
    const key = accountKey(accountId);
    const { places, together } = placesOf(texts);
    const from = this.end;
    this.end += 8;
    this.word(conversationWord(accountId, rootChatId), '', []);
    for (const number of together) this.word(key, NEIGHBOURS[number]!, []);
    let total = 1 + together.length;
    for (const [lexeme, at] of places) {
      if (this.end - from > BYTES_MAX) break;
      this.word(key, lexeme, inOrder(at));
      total++;
    }
    this.bytes.writeInt32BE(this.end - from - 4, from);
    this.bytes.writeInt32BE(total, from + 4);
    this.count++;
  }

  /** Nothing may be added afterwards. */
  toBuffer(): Buffer {
    const header = [this.count > 0 ? 1 : 0, 0, TSVECTOR_OID, this.count, 1];
    header.forEach((field, i) => this.bytes.writeInt32BE(field, 4 * i));
    return this.bytes.subarray(0, this.count > 0 ? this.end : 12);
  }

  private word(key: string, lexeme: string, places: readonly number[]): void {
    const room = 3 * (key.length + lexeme.length + 1) + 2 * places.length;
    if (this.end + room > this.bytes.length) this.grow(room);
    const { bytes } = this;
    let at = putText(bytes, putText(bytes, this.end, key), lexeme);
    bytes[at++] = 0;
    at = putShort(bytes, at, places.length);
    for (const place of places) at = putShort(bytes, at, place);
    this.end = at;
  }

  private grow(room: number): void {
    const bytes = Buffer.allocUnsafe(2 * (this.bytes.length + room));
    this.bytes.copy(bytes, 0, 0, this.end);
    this.bytes = bytes;
  }
}

/** Answers where it ends. Nearly all words are of ASCII, and short: no call is worth it. */
function putText(bytes: Buffer, from: number, text: string): number {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 0x80) return from + bytes.write(text, from);
    bytes[from + i] = code;
  }
  return from + text.length;
}

function putShort(bytes: Buffer, from: number, number: number): number {
  bytes[from] = number >> 8;
  bytes[from + 1] = number & 0xff;
  return from + 2;
}
