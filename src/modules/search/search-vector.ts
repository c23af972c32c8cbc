import {
  NEIGHBOURS_BYTES,
  NEIGHBOURS_SORTED,
  WordPlaces,
  type SideTexts,
} from './search-word-places.js';
import { grown } from './search-word-table.js';

/** PostgreSQL takes 1 MiB of words and positions: longer texts are found by their beginning. */
const BYTES_MAX = 900_000;

/**
 * In front of each word, so that the index of words has nothing of other accounts between those of
 * one. Two accounts may share it: rows are told apart by their `account_id`.
 */
export const accountKey = (accountId: string): string => keyOf(accountId, 3);
/** Its characters, of ASCII. */
const KEY = 4;

/** A word that no text has: all pairs of a conversation have it. */
export const conversationWord = (accountId: string, rootChatId: string): string =>
  `${accountKey(accountId)}/${keyOf(rootChatId, 6)}`;

/** The last bytes of a UUID v7 are random. */
const keyOf = (id: string, bytes: number): string =>
  Buffer.from(id.replaceAll('-', '').slice(-2 * bytes), 'hex').toString('base64url');

/** Words for neighbours begin with it, a sign above all other signs of ASCII in words. */
const TILDE = 0x7e;
/** Behind each word: its end, and how many places it has. */
const BEHIND = 3;

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
  private readonly pair = new WordPlaces();
  private bytes = Buffer.allocUnsafe(FIRST_BYTES);
  private end = 20;
  private count = 0;
  /** Where the next place of a word goes. */
  private cursors = new Int32Array(0);

  /** Puts the words of one more pair behind the others. */
  add(accountId: string, rootChatId: string, texts: SideTexts): void {
    this.pair.read(texts, BYTES_MAX);
    const key = Buffer.from(accountKey(accountId));
    const conversation = Buffer.from(conversationWord(accountId, rootChatId));
    const from = this.end;
    const kept = this.reserve(8 + conversation.length + BEHIND);
    this.end += 8;
    // It stands before all words: no letter and no digit is below its slash.
    this.putWord(key, conversation, KEY, conversation.length, 0);
    this.putWords(key, this.pair.words.sorted(kept));
    this.putPlaces(kept);
    this.bytes.writeInt32BE(this.end - from - 4, from);
    this.bytes.writeInt32BE(1 + this.pair.togetherCount + kept, from + 4);
    this.count++;
  }

  /** Nothing may be added afterwards. */
  toBuffer(): Buffer {
    const header = [this.count > 0 ? 1 : 0, 0, TSVECTOR_OID, this.count, 1];
    header.forEach((field, i) => this.bytes.writeInt32BE(field, 4 * i));
    return this.bytes.subarray(0, this.count > 0 ? this.end : 12);
  }

  /** Makes room for what is put in. Answers how many of the words will be. */
  private reserve(size: number): number {
    const { words, counts, togetherCount } = this.pair;
    size += togetherCount * (KEY + NEIGHBOURS_BYTES + BEHIND);
    let kept = 0;
    for (; kept < words.count && counts[kept]! > 0 && size <= BYTES_MAX; kept++)
      size += KEY + words.endOf(kept) - words.startOf(kept) + BEHIND + 2 * counts[kept]!;
    if (this.end + size > this.bytes.length)
      this.bytes = grown(this.bytes, Buffer.allocUnsafe(2 * (this.end + size)));
    if (kept > this.cursors.length) this.cursors = new Int32Array(2 * kept);
    return kept;
  }

  /** All in their order, which would take PostgreSQL several times as long. */
  private putWords(key: Uint8Array, order: Float64Array): void {
    const { words, counts } = this.pair;
    let isTogetherPut = false;
    for (const word of order) {
      const start = words.startOf(word);
      if (!isTogetherPut && words.bytes[start]! > TILDE) isTogetherPut = this.putTogether(key);
      this.putWord(key, words.bytes, start, words.endOf(word), counts[word]!);
      this.cursors[word] = this.end;
      this.end += 2 * counts[word]!;
    }
    if (!isTogetherPut) this.putTogether(key);
  }

  private putTogether(key: Uint8Array): true {
    const { together } = this.pair;
    for (let i = 0; i < together.length; i++)
      for (let bits = together[i]!; bits !== 0; bits &= bits - 1) {
        const word = NEIGHBOURS_SORTED[32 * i + 31 - Math.clz32(bits & -bits)]!;
        this.putWord(key, word, 0, word.length, 0);
      }
    return true;
  }

  private putWord(
    key: Uint8Array,
    from: Uint8Array,
    start: number,
    end: number,
    places: number,
  ): void {
    const { bytes } = this;
    let at = this.end;
    for (let i = 0; i < KEY; i++) bytes[at++] = key[i]!;
    for (let i = start; i < end; i++) bytes[at++] = from[i]!;
    bytes[at++] = 0;
    this.end = putShort(bytes, at, places);
  }

  private putPlaces(kept: number): void {
    const { places, owners, placesCount } = this.pair;
    for (let i = 0; i < placesCount; i++) {
      const word = owners[i]!;
      if (word < kept) this.cursors[word] = putShort(this.bytes, this.cursors[word]!, places[i]!);
    }
  }
}

/** Answers where it ends. */
function putShort(bytes: Uint8Array, from: number, number: number): number {
  bytes[from] = number >> 8;
  bytes[from + 1] = number & 0xff;
  return from + 2;
}
