import { createHash } from 'node:crypto';
import type { FilePart, Part } from '../../tree/parts.js';
import { isDataUrl, readDataUrl } from '../file/data-url.js';
import { fileIn } from './openai-ids.js';

/**
 * Whether what a client sends is word for word a side that is kept: whatever ids it lost, and
 * however its texts were cut. Thoughts it may leave out, not change.
 * @param sent before its bytes are kept as files @throws 422 for bytes that cannot be read
 */
export function isSameSide(kept: readonly Part[], sent: readonly Part[]): boolean {
  const hasThoughts = sent.some(({ type }) => type === 'reasoning');
  const [here, there] = [saidIn(kept, hasThoughts), saidIn(sent, true)];
  return here.length === there.length && here.every((said, at) => isSame(said, there[at]!));
}

/** What it is, and what it says. */
interface SaidThing {
  kind: string;
  text: string;
  file?: FilePart;
}

function saidIn(parts: readonly Part[], hasThoughts: boolean): SaidThing[] {
  const all: SaidThing[] = [];
  for (const part of parts) {
    if (part.type === 'reasoning' && !hasThoughts) continue;
    const said = saidOf(part);
    const last = all.at(-1);
    if (last && part.type === 'text' && last.kind === said.kind) last.text += said.text;
    else all.push(said);
    if (part.type === 'tool_result' && Array.isArray(part.output))
      all.push(...saidIn(part.output as Part[], hasThoughts));
  }
  return all;
}

function saidOf(part: Part): SaidThing {
  switch (part.type) {
    case 'text':
    case 'refusal':
      return { kind: part.type, text: part.text };
    case 'instruction':
      return { kind: part.role, text: part.text };
    case 'file':
      return { kind: 'file', text: '', file: part };
    case 'tool_call':
      return { kind: part.type, text: JSON.stringify([part.call_id, part.name]) };
    case 'tool_result': {
      const { call_id: callId, output } = part;
      return { kind: part.type, text: JSON.stringify([callId, Array.isArray(output) || output]) };
    }
    default:
      return { kind: part.type, text: JSON.stringify(part) };
  }
}

function isSame(kept: SaidThing, sent: SaidThing): boolean {
  if (kept.kind !== sent.kind) return false;
  if (kept.file && sent.file) return isSameFile(kept.file, sent.file);
  return kept.text === sent.text;
}

function isSameFile(kept: FilePart, { file_id: named, url }: FilePart): boolean {
  if (named !== undefined) return kept.file_id === fileIn(named);
  if (!isDataUrl(url!)) return kept.url === url;
  const { bytes } = readDataUrl(url!, 'items');
  return kept.sha256 === createHash('sha256').update(bytes).digest('hex');
}
