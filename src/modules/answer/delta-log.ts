/** A piece of an answer; pieces count from 1. */
export interface Piece {
  n: number;
  delta: string;
}

/**
 * Pieces that are kept together: `n` is the number of the first one, `sizes` their lengths in
 * UTF-16 code units.
 */
export interface Chunk {
  n: number;
  sizes: ArrayLike<number>;
  text: string;
}

/**
 * Sealed by itself at this size, so that pieces of a few characters take little more memory than
 * their text.
 */
const OPEN_CHARS_MAX = 1024;

/**
 * The pieces of one answer, shared by all who read it here: a reader has nothing of its own but the
 * number of the last piece that it got. Pieces are sealed into chunks, which are what the database
 * holds; so an answer comes in the same pieces however it is read.
 */
export class DeltaLog {
  private chunks: Chunk[] = [];
  private unwritten = 0;
  private open: string[] = [];
  private openChars = 0;
  private sealed = 0;

  /** How many pieces there are. */
  get count(): number {
    return this.sealed + this.open.length;
  }

  /** Adds a piece; answers its number. */
  add(delta: string): number {
    this.open.push(delta);
    this.openChars += delta.length;
    const { count } = this;
    if (this.openChars >= OPEN_CHARS_MAX) this.seal();
    return count;
  }

  /** Whether a kibibyte or more waits to be written. */
  get isHeavy(): boolean {
    return this.unwritten < this.chunks.length;
  }

  /**
   * Whether a part of it is in the database already, so that somebody elsewhere may have read it.
   */
  get isShared(): boolean {
    return this.unwritten > 0;
  }

  /**
   * What was not written yet, the newest pieces sealed with it. Until `written` says so, the next
   * call gives it again.
   */
  toWrite(): readonly Chunk[] {
    this.seal();
    return this.chunks.slice(this.unwritten);
  }

  /** The oldest `chunks` chunks of `toWrite` are in the database. */
  written(chunks: number): void {
    this.unwritten += chunks;
  }

  clear(): void {
    this.chunks = [];
    this.open = [];
  }

  /** Up to `max` pieces behind the piece `n`, in order. */
  after(n: number, max: number): Piece[] {
    const pieces: Piece[] = [];
    for (let i = this.chunkOf(n + 1); i < this.chunks.length && pieces.length < max; i++)
      addPieces(pieces, this.chunks[i]!, n, max);
    for (let i = Math.max(0, n - this.sealed); i < this.open.length && pieces.length < max; i++) {
      pieces.push({ n: this.sealed + i + 1, delta: this.open[i]! });
    }
    return pieces;
  }

  get text(): string {
    return this.chunks.map(({ text }) => text).join('') + this.open.join('');
  }

  private seal(): void {
    if (this.open.length === 0) return;
    this.chunks.push({
      n: this.sealed + 1,
      sizes: Int32Array.from(this.open, ({ length }) => length),
      text: this.open.join(''),
    });
    this.sealed += this.open.length;
    this.open = [];
    this.openChars = 0;
  }

  /** Index of the chunk that has the piece; behind the last one where it is not sealed. */
  private chunkOf(n: number): number {
    let [low, high] = [0, this.chunks.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const { n: first, sizes } = this.chunks[middle]!;
      if (first + sizes.length <= n) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Adds the pieces of a chunk behind the piece `n`, until there are `max`. */
export function addPieces(
  pieces: Piece[],
  { n: first, sizes, text }: Chunk,
  n: number,
  max = Infinity,
): void {
  for (let i = 0, at = 0; i < sizes.length && pieces.length < max; at += sizes[i++]!) {
    if (first + i > n) pieces.push({ n: first + i, delta: text.slice(at, at + sizes[i]!) });
  }
}
