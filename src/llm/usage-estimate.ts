import type { ModelMessage, ModelPart, Usage } from './language-model.js';
import { countedText } from './message-size.js';

const BYTES_PER_TOKEN = 4;

/** For an answer whose tokens nobody told: that was left, broke off, or cannot be counted now. */
export function usageByBytes(messages: readonly ModelMessage[], outputBytes: number): Usage {
  const read = messages.reduce((sum, one) => sum + Buffer.byteLength(countedText(one)), 0);
  return {
    input_tokens: Math.ceil(read / BYTES_PER_TOKEN),
    output_tokens: Math.ceil(outputBytes / BYTES_PER_TOKEN),
  };
}

/** What a model says with a part, in bytes; a whole part was said before in its pieces. */
export function bytesOf(part: ModelPart): number {
  if (part.type === 'delta' || part.type === 'reasoning') return Buffer.byteLength(part.text);
  return part.type === 'tool_input' ? Buffer.byteLength(part.delta) : 0;
}
