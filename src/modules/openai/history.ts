import { createHash } from 'node:crypto';
import type { Part, ResponsePart } from '../../tree/parts.js';
import type { Turn } from './turns.js';

/**
 * By what the questions of a history are known: each by all that was said up to it, itself
 * included. In the order of the turns.
 */
export function questionHashes(turns: readonly Turn[]): Buffer[] {
  let before: Buffer = Buffer.alloc(0);
  return turns.map(({ question, response }) => {
    const asked = hashOf(before, question);
    before = hashOf(asked, response);
    return asked;
  });
}

const hashOf = (before: Buffer, parts: readonly Part[]): Buffer =>
  createHash('sha256')
    .update(before)
    .update(JSON.stringify(saidIn(parts)))
    .digest();

/** Whether an answer that is kept is the one that a client sends back. */
export const isSame = (kept: readonly ResponsePart[], sent: readonly ResponsePart[]): boolean =>
  JSON.stringify(saidIn(kept)) === JSON.stringify(saidIn(sent));

/**
 * What a client sends back of it as it was: texts, and which tools were called. Thoughts it may
 * leave out, and inputs of tools it may write otherwise.
 */
function saidIn(parts: readonly Part[]): unknown[] {
  const said: unknown[] = [];
  for (const part of parts) {
    if (part.type === 'text' || part.type === 'refusal' || part.type === 'instruction') {
      const last = said.at(-1);
      const kind = part.type === 'instruction' ? part.role : 'text';
      // However it was cut.
      if (Array.isArray(last) && last[0] === kind) last[1] += part.text;
      else said.push([kind, part.text]);
    } else if (part.type === 'tool_call') said.push(['call', part.call_id, part.name]);
    else if (part.type === 'tool_result') said.push(['result', part.call_id, part.output]);
    else if (part.type === 'file') said.push(['file', part.file_id ?? part.url]);
  }
  return said;
}
