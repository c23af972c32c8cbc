import { tokensOf } from './search-tokens.js';

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

/**
 * The `tsvector` of a pair as PostgreSQL reads it: the words of both sides, with their positions
 * and sides. Made here and not by a configuration of PostgreSQL, so that nothing has to be
 * installed there, code and scripts without spaces are cut as people look for them, and the same
 * rules mark what was found.
 */
export function vectorOf(accountId: string, rootChatId: string, texts: SideTexts): string {
  const key = accountKey(accountId);
  const places = new Map<string, string[]>();
  const together = new Set<number>();
  let room = BYTES_MAX;
  let start = 1;
  for (const side of ['question', 'response'] as const) {
    let last = 0;
    let here = '';
    let before: number | null = null;
    for (const { lexeme, position } of tokensOf(texts[side])) {
      if (position > last) before = hashBefore(here);
      [last, here] = [position, lexeme];
      if (before !== null) together.add(neighboursAt(before, lexeme));
      const known = places.get(lexeme);
      if (known && known.length >= PLACES_MAX) continue;
      room -= known ? 2 : key.length + Buffer.byteLength(lexeme) + 8;
      if (room < 0) break;
      const place = `${((start + position) % POSITIONS) + 1}${WEIGHTS[side]}`;
      if (known) known.push(place);
      else places.set(lexeme, [place]);
    }
    start += last + GAP;
  }
  let vector = `'${conversationWord(accountId, rootChatId)}'`;
  for (const at of together) vector += ` '${key}${NEIGHBOURS[at]!}'`;
  for (const [lexeme, at] of places) vector += ` '${key}${lexeme}':${at.join(',')}`;
  return vector;
}
