// Counts tokens on a thread of its own, for token-counter.ts. Plain JavaScript, so that it runs as it stands here (tests) and in dist.
import { parentPort } from 'node:worker_threads';
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';

/** What looks like a control token of the model is text like any other, as it came from a person. */
const AS_TEXT = { disallowedSpecial: new Set() };

/** The time of a merge grows with the square of a word's length: 128 KiB without a space would take 8 s. */
const PIECE_CHARS_MAX = 512;

function tokensOf(text) {
  let tokens = 0;
  for (let at = 0; at < text.length; at += PIECE_CHARS_MAX)
    tokens += countTokens(text.slice(at, at + PIECE_CHARS_MAX), AS_TEXT);
  return tokens;
}

parentPort.on('message', ({ id, texts }) =>
  parentPort.postMessage({ id, tokens: texts.map(tokensOf) }),
);
