import { createRequire } from 'node:module';
import type * as O200k from 'gpt-tokenizer/encoding/o200k_base';

const require = createRequire(import.meta.url);
/** What looks like a control token of the model is text like any other, as it came from a person. */
const AS_TEXT = { disallowedSpecial: new Set<string>() };

/** The time of a merge grows with the square of a word's length: 128 KiB without a space would take 8 s of the only thread. */
const PIECE_CHARS_MAX = 512;

/**
 * Tokens of a text by OpenAI's o200k_base: right for its models of today, a good estimate for others. At most one token too many for each
 * 512 characters.
 */
export function countTokens(text: string): number {
  let tokens = 0;
  for (let at = 0; at < text.length; at += PIECE_CHARS_MAX) {
    tokens += tokenizer().countTokens(text.slice(at, at + PIECE_CHARS_MAX), AS_TEXT);
  }
  return tokens;
}

let loaded: typeof O200k | null = null;
/** Loaded by the first who counts: it takes 65 MB, and a server with short chats never needs it (see `fitToWindow`). */
const tokenizer = (): typeof O200k => (loaded ??= require('gpt-tokenizer/encoding/o200k_base') as typeof O200k);
