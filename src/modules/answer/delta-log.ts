import { exactJson, readExact } from '../../common/exact-json.js';
import {
  isGrowing,
  joinRuns,
  partsOfPieces,
  type PartPiece,
  type Piece,
  type Run,
} from '../../tree/part-pieces.js';
import type { ResponsePart } from '../../tree/parts.js';

/**
 * Pieces that are kept together: `n` is the number of the first one, `sizes` the lengths of those
 * that are text in UTF-16 code units. No text is empty: 0 stands for the next of `parts`.
 */
export interface Chunk {
  n: number;
  sizes: ArrayLike<number>;
  text: string;
  parts: readonly PartPiece[];
}

/** As the database holds it. */
export type StoredChunk = Omit<Chunk, 'parts'> & { parts: string | null };

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
  private open: (string | PartPiece)[] = [];
  private openChars = 0;
  private sealed = 0;

  /** How many pieces there are. */
  get count(): number {
    return this.sealed + this.open.length;
  }

  /** Adds a piece; answers its number. */
  add(piece: string | PartPiece): number {
    this.open.push(piece);
    this.openChars += charsOf(piece);
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
    for (let i = Math.max(0, n - this.sealed); i < this.open.length && pieces.length < max; i++)
      pieces.push(pieceOf(this.sealed + i + 1, this.open[i]!));
    return pieces;
  }

  /** What it makes. */
  get parts(): ResponsePart[] {
    return partsOfPieces(this.after(0, Infinity));
  }

  /** All that was said, in bytes. */
  get bytes(): number {
    return bytesIn(this.after(0, Infinity));
  }

  /** All of it, joined. */
  get runs(): Run[] {
    const runs = this.chunks.reduce<Run[]>((all, chunk) => joinRuns(all, runsOf(chunk)), []);
    return joinRuns(
      runs,
      this.open.map((piece, i) => runOf(this.sealed + i + 1, piece)),
    );
  }

  private seal(): void {
    if (this.open.length === 0) return;
    this.chunks.push({
      n: this.sealed + 1,
      sizes: Int32Array.from(this.open, (piece) => (typeof piece === 'string' ? piece.length : 0)),
      text: this.open.filter((piece) => typeof piece === 'string').join(''),
      parts: this.open.filter((piece) => typeof piece !== 'string'),
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

/** A whole part is sealed at once: it may be long. */
const charsOf = (piece: string | PartPiece): number => {
  if (typeof piece === 'string') return piece.length;
  return isGrowing(piece) ? piece.delta.length : OPEN_CHARS_MAX;
};

/** What was said, in bytes of UTF-8; a whole part was said in its pieces. */
export const bytesIn = (pieces: readonly Piece[]): number =>
  pieces.reduce((sum, piece) => sum + Buffer.byteLength(saidIn(piece)), 0);

const saidIn = (piece: Piece): string =>
  'delta' in piece ? piece.delta : isGrowing(piece.part) ? piece.part.delta : '';

const pieceOf = (n: number, piece: string | PartPiece): Piece =>
  typeof piece === 'string' ? { n, delta: piece } : { n, part: piece };

/** A piece as a run of one. */
export const runOf = (n: number, piece: string | PartPiece): Run => ({
  from: n,
  ...pieceOf(n, piece),
});

/** Adds the pieces of a chunk behind the piece `n`, until there are `max`. */
export function addPieces(
  pieces: Piece[],
  { n: first, sizes, text, parts }: Chunk,
  n: number,
  max = Infinity,
): void {
  let part = 0;
  for (let i = 0, at = 0; i < sizes.length && pieces.length < max; at += sizes[i++]!) {
    const piece = sizes[i] === 0 ? parts[part++] : text.slice(at, at + sizes[i]!);
    if (first + i > n && piece !== undefined) pieces.push(pieceOf(first + i, piece));
  }
}

/** The pieces of a chunk, joined. */
export function runsOf(chunk: Chunk): Run[] {
  const { n: from, sizes, text, parts } = chunk;
  if (parts.length === 0) return [{ from, n: from + sizes.length - 1, delta: text }];
  const pieces: Piece[] = [];
  addPieces(pieces, chunk, 0);
  return joinRuns(
    [],
    pieces.map((piece) => ({ from: piece.n, ...piece })),
  );
}

export const partsToStore = ({ parts }: Chunk): string | null =>
  parts.length === 0 ? null : exactJson(parts);

/** A chunk as it was written, with the digits of its parts. */
export function chunkFrom({ parts: json, ...chunk }: StoredChunk): Chunk {
  return { ...chunk, parts: json === null ? [] : readExact<PartPiece[]>(json) };
}
