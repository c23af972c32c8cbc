import { LEXEME_MAX, type Token, type TokenSink, walkTokens } from './search-tokens.js';
import { grown, hashOf, hashOn, WordTable } from './search-word-table.js';

/** What is searched of a pair, in plain text. */
export interface SideTexts {
  question: string;
  response: string;
}

export type TextSide = keyof SideTexts;

/** A side is told by the weight of its words, which PostgreSQL has four of. */
export const WEIGHTS: Readonly<Record<TextSide, 'A' | 'B'>> = { question: 'A', response: 'B' };
const WEIGHT_NUMBERS = { A: 3, B: 2 } as const;
const PLACE_BITS = 14;
/** Places with their weights. */
const KEYS = 2 ** (PLACE_BITS + 2);
const placeIn = (packed: number): number => packed & (2 ** PLACE_BITS - 1);

/** PostgreSQL has positions up to 16383: in longer texts they begin anew. */
const POSITIONS = 16_383;
/** It keeps 255 positions of a word. */
const PLACES_MAX = 255;
/** Between the sides, so that no phrase reaches from one into the other. */
const GAP = 16;
const PLACES_FIRST = 1024;

/**
 * A word for two that follow each other, one of 4096. The index of words knows no positions:
 * without it a phrase of common words would be looked for in all pairs that have them anywhere.
 * Others may share it, and a phrase is looked for by its words besides.
 */
export const neighboursOf = (first: string, second: string): string =>
  NEIGHBOURS[neighboursAt(hashOf(second, hashBefore(hashOf(first))))]!;
const hashBefore = (first: number): number => hashOn(first, 0x20);
const neighboursAt = (hash: number): number => (hash ^ (hash >>> 15)) & 0xfff;
const NEIGHBOURS = Array.from({ length: 0x1000 }, (_, n) => `~${n.toString(16)}`);
/** The longest has so many bytes. */
export const NEIGHBOURS_BYTES = 4;
/** All of them as PostgreSQL sorts them, and where among those each is. */
export const NEIGHBOURS_SORTED = NEIGHBOURS.toSorted().map((word) => Buffer.from(word));
const RANKS = new Uint16Array(NEIGHBOURS.length);
NEIGHBOURS_SORTED.forEach((word, rank) => (RANKS[Number.parseInt(`${word}`.slice(1), 16)] = rank));

/**
 * The words of a pair with their places, and which words for neighbours it has; of one pair after
 * the other.
 */
export class WordPlaces implements TokenSink {
  readonly words = new WordTable();
  /** Bits of the words for neighbours, by their places in `NEIGHBOURS_SORTED`; and how many. */
  readonly together = new Uint32Array(NEIGHBOURS.length / 32);
  togetherCount = 0;
  /** All places as PostgreSQL keeps them, the number of a weight above each; and whose they are. */
  places = new Uint16Array(PLACES_FIRST);
  owners = new Int32Array(PLACES_FIRST);
  placesCount = 0;
  /** By word: how many places it has, and the last of them. */
  counts = new Int32Array(PLACES_FIRST);
  private latest = new Uint16Array(PLACES_FIRST);
  /** Whether a word has a place that is not behind the one before it. */
  private isMixed = false;
  /** For so many more characters of words, or of places two. */
  private room = 0;
  /** Of the side that is being read. */
  private weight = 0;
  private start = 1;
  private last = 0;
  private hasBefore = false;
  private before = 0;

  /** Reads the texts of a pair in the place of the one before, as far as there is room. */
  read(texts: SideTexts, room: number): void {
    this.clear();
    this.room = room;
    for (const side of ['question', 'response'] as const) {
      this.weight = WEIGHT_NUMBERS[WEIGHTS[side]] << PLACE_BITS;
      [this.last, this.hasBefore] = [0, false];
      walkTokens(texts[side], this);
      this.start += this.last + GAP;
    }
    if (this.isMixed) this.putInOrder();
  }

  plain(text: string, from: number, to: number, position: number): boolean {
    this.moveTo(position);
    const end = Math.min(to, from + LEXEME_MAX);
    return this.note(this.words.putPlain(text, from, end, this.before), end - from, position);
  }

  other({ lexeme, position }: Token): boolean {
    this.moveTo(position);
    return this.note(this.words.put(lexeme, this.before), lexeme.length, position);
  }

  private clear(): void {
    this.counts.fill(0, 0, this.words.count);
    this.words.clear();
    this.together.fill(0);
    this.togetherCount = this.placesCount = 0;
    this.isMixed = false;
    this.start = 1;
  }

  /** What begins at one place has the same word before it. */
  private moveTo(position: number): void {
    if (position === this.last) return;
    [this.last, this.hasBefore, this.before] = [position, true, hashBefore(this.words.hash)];
  }

  private note(word: number, length: number, position: number): boolean {
    if (this.hasBefore) this.noteTogether(RANKS[neighboursAt(this.words.hashBehind)]!);
    if (word >= this.counts.length) {
      this.counts = grown(this.counts, new Int32Array(2 * word));
      this.latest = grown(this.latest, new Uint16Array(2 * word));
    }
    const count = this.counts[word]!;
    if (count >= PLACES_MAX) return true;
    this.room -= count > 0 ? 2 : length;
    if (this.room < 0) return false;
    this.addPlace(word, ((this.start + position) % POSITIONS) + 1);
    return true;
  }

  private noteTogether(rank: number): void {
    const [at, bit] = [rank >>> 5, 1 << (rank & 31)];
    if ((this.together[at]! & bit) === 0) this.togetherCount++;
    this.together[at]! |= bit;
  }

  private addPlace(word: number, place: number): void {
    if (this.placesCount === this.places.length) {
      this.places = grown(this.places, new Uint16Array(2 * this.placesCount));
      this.owners = grown(this.owners, new Int32Array(2 * this.placesCount));
    }
    if (this.counts[word]!++ > 0 && place <= this.latest[word]!) this.isMixed = true;
    this.latest[word] = place;
    this.places[this.placesCount] = this.weight | place;
    this.owners[this.placesCount++] = word;
  }

  /** PostgreSQL takes places in their order, each once. They begin anew in long texts. */
  private putInOrder(): void {
    const keys = Float64Array.from({ length: this.placesCount }, (_, i) => {
      const packed = this.places[i]!;
      return this.owners[i]! * KEYS + 4 * placeIn(packed) + 3 - (packed >> PLACE_BITS);
    }).sort();
    this.counts.fill(0, 0, this.words.count);
    this.placesCount = 0;
    keys.forEach((key, i) => {
      // Of two sides at one place it is that of the greater weight.
      if (i > 0 && Math.floor(key / 4) === Math.floor(keys[i - 1]! / 4)) return;
      const [word, place] = [Math.floor(key / KEYS), key % KEYS];
      this.places[this.placesCount] = ((3 - (place & 3)) << PLACE_BITS) | (place >> 2);
      this.owners[this.placesCount++] = word;
      this.counts[word]!++;
    });
  }
}
