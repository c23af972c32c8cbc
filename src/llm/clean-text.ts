const HIGH = /[\ud800-\udbff]$/;
const REPLACEMENT = '\ufffd';

/**
 * Text that comes in pieces, made fit to be stored: U+0000 and halves of surrogate pairs, which
 * PostgreSQL refuses, become U+FFFD. A pair whose halves come in two pieces is put together.
 * Joined, the pieces that go out are what cleaning the whole would give.
 */
export class CleanText {
  /** First half of a pair, whose second half may come with the next piece. */
  private half = '';

  /** The clean form of what is complete; may be empty. */
  push(piece: string): string {
    const text = this.half + piece;
    this.half = HIGH.exec(text)?.[0] ?? '';
    return clean(text.slice(0, text.length - this.half.length));
  }

  /** What is left when no piece comes any more. */
  end(): string {
    const rest = this.half === '' ? '' : REPLACEMENT;
    this.half = '';
    return rest;
  }
}

const clean = (text: string): string => text.toWellFormed().replaceAll('\0', REPLACEMENT);

/** As much of a text as has room in `bytes` of UTF-8, never half a character. */
export function cutToBytes(text: string, bytes: number): string {
  if (Buffer.byteLength(text) <= bytes) return text;
  const cut = new TextEncoder().encodeInto(text, new Uint8Array(Math.max(bytes, 0)));
  return text.slice(0, cut.read);
}
