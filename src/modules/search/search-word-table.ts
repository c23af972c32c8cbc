import { randomInt } from 'node:crypto';

/** FNV-1a, so that the hash of a text goes on from that of its beginning. */
const HASH_START = 0x811c9dc5 | 0;
const HASH_PRIME = 0x01000193;
export const hashOn = (hash: number, code: number): number => Math.imul(hash ^ code, HASH_PRIME);

export function hashOf(text: string, hash = HASH_START): number {
  for (let i = 0; i < text.length; i++) hash = hashOn(hash, text.charCodeAt(i));
  return hash;
}

/** Slots go by another hash in each process: who knew it could write words that share them all. */
const SEED = randomInt(2 ** 32) | 0;

const WORDS_FIRST = 1024;
const BYTES_FIRST = 0x4000;
const [CAPITAL_A, CAPITAL_Z, TO_SMALL] = [0x41, 0x5a, 0x20];

/** In one number the first four bytes of a word, which are in its order, and the word. */
const WORDS = 2 ** 20;
const firstIn = (key: number): number => Math.floor(key / WORDS);
/** Without `%`, which is a call for numbers of more than 32 bits. */
const wordIn = (key: number): number => key - firstIn(key) * WORDS;

/**
 * Words of a text, each once, by numbers in the order in which they first stand there. Nothing is
 * made for a word, so they are put and sorted in less time than a `Map` takes to take them.
 */
export class WordTable {
  /** How many words there are. */
  count = 0;
  /** `hashOf` the word that was put last, and what the hash it was put behind comes to with it. */
  hash = HASH_START;
  hashBehind = 0;
  /** UTF-8 of the words, one behind the other. */
  bytes = Buffer.allocUnsafeSlow(BYTES_FIRST);
  /** By word: where its bytes end, the hash of its slot. */
  private ends = new Int32Array(WORDS_FIRST);
  private hashes = new Int32Array(WORDS_FIRST);
  /** The number of a word and one, or 0: twice as many as words have room. */
  private slots = new Int32Array(2 * WORDS_FIRST);

  clear(): void {
    this.slots.fill(0);
    this.count = 0;
  }

  startOf(word: number): number {
    return word === 0 ? 0 : this.ends[word - 1]!;
  }

  endOf(word: number): number {
    return this.ends[word]!;
  }

  /** The first `count` words by their bytes: PostgreSQL has them so in a `tsvector`. */
  sorted(count: number): Float64Array {
    const keys = new Float64Array(count);
    for (let word = 0; word < count; word++) keys[word] = this.firstBytesOf(word) * WORDS + word;
    keys.sort();
    for (let from = 0, to = 1; from < count; from = to++) {
      while (to < count && firstIn(keys[to]!) === firstIn(keys[from]!)) to++;
      if (to - from > 1) this.sortEqual(keys.subarray(from, to));
    }
    return keys.map(wordIn);
  }

  /** Puts a word of ASCII that stands in a text, in small letters. Answers its number. */
  putPlain(text: string, from: number, to: number, behind: number): number {
    const start = this.roomFor(to - from);
    const { bytes } = this;
    let [hash, seeded] = [HASH_START, SEED];
    for (let i = from, at = start; i < to; i++) {
      let code = text.charCodeAt(i);
      if (code >= CAPITAL_A && code <= CAPITAL_Z) code += TO_SMALL;
      hash = hashOn(hash, code);
      behind = hashOn(behind, code);
      seeded = hashOn(seeded, code);
      bytes[at++] = code;
    }
    [this.hash, this.hashBehind] = [hash, behind];
    return this.numberOf(seeded, start, start + to - from);
  }

  /** Puts a word. Answers its number. */
  put(word: string, behind: number): number {
    const start = this.roomFor(3 * word.length);
    [this.hash, this.hashBehind] = [hashOf(word), hashOf(word, behind)];
    return this.numberOf(hashOf(word, SEED), start, start + this.bytes.write(word, start));
  }

  /** Of the word whose bytes were written behind all others; they stay if it is a new one. */
  private numberOf(hash: number, start: number, end: number): number {
    const slot = this.slotOf(hash, start, end);
    const known = this.slots[slot]! - 1;
    if (known >= 0) return known;
    const word = this.count++;
    this.slots[slot] = this.count;
    this.ends[word] = end;
    this.hashes[word] = hash;
    if (this.count === this.hashes.length) this.grow();
    return word;
  }

  private slotOf(hash: number, start: number, end: number): number {
    const mask = this.slots.length - 1;
    let slot = (hash ^ (hash >>> 15)) & mask;
    while (this.slots[slot]! > 0) {
      const word = this.slots[slot]! - 1;
      if (this.hashes[word] === hash && this.isAt(word, start, end)) break;
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  private isAt(word: number, start: number, end: number): boolean {
    const from = this.startOf(word);
    if (this.ends[word]! - from !== end - start) return false;
    for (let i = from; i < this.ends[word]!; i++)
      if (this.bytes[i] !== this.bytes[start + i - from]) return false;
    return true;
  }

  /** Answers where the next word goes. */
  private roomFor(length: number): number {
    const start = this.startOf(this.count);
    if (start + length > this.bytes.length)
      this.bytes = grown(this.bytes, Buffer.allocUnsafeSlow(2 * (start + length)));
    return start;
  }

  private firstBytesOf(word: number): number {
    const [start, end] = [this.startOf(word), this.endOf(word)];
    let first = 0;
    for (let at = start; at < start + 4; at++)
      first = (first << 8) | (at < end ? this.bytes[at]! : 0);
    return first >>> 0;
  }

  private sortEqual(keys: Float64Array): void {
    const { bytes } = this;
    keys.sort((one, other) => {
      const [a, b] = [wordIn(one), wordIn(other)];
      return bytes.compare(bytes, this.startOf(b), this.endOf(b), this.startOf(a), this.endOf(a));
    });
  }

  private grow(): void {
    const length = 2 * this.hashes.length;
    this.ends = grown(this.ends, new Int32Array(length));
    this.hashes = grown(this.hashes, new Int32Array(length));
    this.slots = new Int32Array(2 * length);
    for (let word = 0; word < this.count; word++)
      this.slots[this.slotOf(this.hashes[word]!, 0, -1)] = word + 1;
  }
}

export function grown<Numbers extends Uint8Array | Uint16Array | Int32Array>(
  numbers: Numbers,
  longer: Numbers,
): Numbers {
  longer.set(numbers);
  return longer;
}
