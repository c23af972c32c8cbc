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

/**
 * A word for two that follow each other, one of 4096. The index of words knows no positions:
 * without it a phrase of common words would be looked for in all pairs that have them anywhere.
 * Others may share it, and a phrase is looked for by its words besides.
 */
export function neighbours(key: string, first: string, second: string): string {
  let hash = 0x811c9dc5; // FNV-1a
  const text = `${first} ${second}`;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return `${key}~${((hash ^ (hash >>> 15)) & 0xfff).toString(16)}`;
}

/**
 * The `tsvector` of a pair as PostgreSQL reads it: the words of both sides, with their positions
 * and sides. Made here and not by a configuration of PostgreSQL, so that nothing has to be
 * installed there, code and scripts without spaces are cut as people look for them, and the same
 * rules mark what was found.
 */
export function vectorOf(accountId: string, rootChatId: string, texts: SideTexts): string {
  const key = accountKey(accountId);
  const places = new Map<string, string[]>();
  const together = new Set<string>();
  let room = BYTES_MAX;
  let start = 1;
  for (const side of ['question', 'response'] as const) {
    let last = 0;
    let [before, here] = ['', ''];
    for (const { lexeme, position } of tokensOf(texts[side])) {
      if (position > last) before = here;
      [last, here] = [position, lexeme];
      if (before) together.add(neighbours(key, before, lexeme));
      const known = places.get(lexeme);
      if (known && known.length >= PLACES_MAX) continue;
      room -= known ? 2 : Buffer.byteLength(key + lexeme) + 8;
      if (room < 0) break;
      const place = `${((start + position) % POSITIONS) + 1}${WEIGHTS[side]}`;
      if (known) known.push(place);
      else places.set(lexeme, [place]);
    }
    start += last + GAP;
  }
  const words = [...places].map(([lexeme, at]) => `'${key}${lexeme}':${at.join(',')}`);
  const bare = [conversationWord(accountId, rootChatId), ...together].map((word) => `'${word}'`);
  return [...bare, ...words].join(' ');
}
