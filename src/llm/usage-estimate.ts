import type { ModelMessage, Usage } from './language-model.js';

const BYTES_PER_TOKEN = 4;

/** For an answer whose tokens nobody told: that was left, broke off, or cannot be counted now. */
export function usageByBytes(messages: readonly ModelMessage[], outputBytes: number): Usage {
  const read = messages.reduce((sum, { content }) => sum + Buffer.byteLength(content), 0);
  return {
    input_tokens: Math.ceil(read / BYTES_PER_TOKEN),
    output_tokens: Math.ceil(outputBytes / BYTES_PER_TOKEN),
  };
}
