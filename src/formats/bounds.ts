import { isLonger } from '../common/text-length.js';
import { NAME_CHARS_MAX } from '../common/name.js';
import {
  PARTS_BYTES_MAX,
  PARTS_MAX,
  QUESTION_BYTES_MAX,
  RESPONSE_BYTES_MAX,
} from '../tree/part-rules.js';
import { cleaned } from './clean.js';
import { bytesOf, sizesOf } from './pairs.js';
import {
  SourceFile,
  type SourceMessage,
  type ImportPart,
  type SourceTree,
  type Tally,
} from './source.js';

const SYSTEM_PROMPT_BYTES_MAX = 32 * 1024;
const NOTES_BYTES_MAX = 8 * 1024;

/**
 * A conversation within the bounds of this house: without characters that no store keeps, messages
 * cut into such as follow each other where they are longer than a side can be, and what is too
 * large for a part as a file.
 */
export function bounded(tree: SourceTree, tally: Tally): SourceTree {
  const firstPieces = new Map<string, string>();
  const messages = tree.messages.flatMap((message) => {
    const parts = message.parts.flatMap((part) => smallParts(cleaned(part, tally), tally));
    const pieces = piecesOf({ ...message, parts });
    if (pieces.length > 1) {
      tally.add('messages_cut', pieces.length - 1);
      firstPieces.set(message.id, pieces[0]!.id);
    }
    return pieces;
  });
  if (firstPieces.size > 0)
    for (const message of messages)
      message.children &&= message.children.map((id) => firstPieces.get(id) ?? id);
  return { ...tree, ...labelsOf(tree, tally), messages };
}

function labelsOf(tree: SourceTree, tally: Tally): Partial<SourceTree> {
  const notes = cleaned(tree.notes, tally);
  const systemPrompt = tree.systemPrompt && cleaned(tree.systemPrompt, tally);
  const isLongPrompt =
    systemPrompt !== null && Buffer.byteLength(systemPrompt) > SYSTEM_PROMPT_BYTES_MAX;
  if (isLongPrompt) tally.add('system_prompts_cut');
  const areLongNotes = Buffer.byteLength(JSON.stringify(notes)) > NOTES_BYTES_MAX;
  if (areLongNotes) tally.add('notes_left_out');
  return {
    name: label(tree.name, tally),
    model: label(tree.model, tally),
    systemPrompt: isLongPrompt
      ? textPieces(systemPrompt, SYSTEM_PROMPT_BYTES_MAX)[0]!
      : systemPrompt,
    notes: areLongNotes ? {} : notes,
  };
}

/** A name of a chat or a model: blank is none, and a long one is cut. */
function label(text: string | null, tally: Tally): string | null {
  if (text === null || text.trim() === '') return null;
  const clean = cleaned(text, tally);
  if (!isLonger(clean, NAME_CHARS_MAX)) return clean;
  tally.add('names_cut');
  return [...clean].slice(0, NAME_CHARS_MAX).join('');
}

/** A part that is larger than a whole side may be is kept as a file. */
function smallParts(part: ImportPart, tally: Tally): ImportPart[] {
  if (part.type === 'text' || part.type === 'source_file') return [part];
  if (bytesOf(part) <= PARTS_BYTES_MAX) return [part];
  tally.add('parts_as_files');
  const bytes = bytesOf(part);
  const instead = {
    type: 'other',
    format: 'too_large',
    value: { type: part.type, bytes },
  } as const;
  const file = (value: unknown): SourceFile => {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    const name = typeof value === 'string' ? `${part.type}.txt` : `${part.type}.json`;
    return new SourceFile({ data: Buffer.from(text) }, name, instead);
  };
  if (part.type === 'tool_call') return [{ ...part, input: null }, file(part.input)];
  if (part.type === 'tool_result') return [{ ...part, output: [file(part.output)] }];
  return [file(part)];
}

/** The last piece has the name of the message: what followed the message follows it. */
function piecesOf(message: SourceMessage): SourceMessage[] {
  const textMax = (message.role === 'assistant' ? RESPONSE_BYTES_MAX : QUESTION_BYTES_MAX) - 1;
  const parts = message.parts.flatMap((part) => shortTexts(part, textMax));
  const groups: ImportPart[][] = [[]];
  let [count, partsSum, textSum] = [0, 0, 0];
  for (const part of parts) {
    const { partsBytes, textBytes } = sizesOf([part]);
    const isFull =
      count >= PARTS_MAX ||
      partsSum + partsBytes > PARTS_BYTES_MAX ||
      textSum + textBytes > textMax + 1;
    if (isFull) [count, partsSum, textSum] = [0, 0, 0];
    if (isFull && groups.at(-1)!.length > 0) groups.push([]);
    groups.at(-1)!.push(part);
    [count, partsSum, textSum] = [count + 1, partsSum + partsBytes, textSum + textBytes];
  }
  if (groups.length === 1) return [{ ...message, parts }];
  const idOf = (n: number): string =>
    n === groups.length - 1 ? message.id : `${message.id}#piece-${n}`;
  return groups.map((group, n) => ({
    ...message,
    id: idOf(n),
    parentId: n === 0 ? message.parentId : idOf(n - 1),
    children: n === groups.length - 1 ? message.children : undefined,
    parts: group,
  }));
}

function shortTexts(part: ImportPart, bytesMax: number): ImportPart[] {
  if (part.type !== 'text' || Buffer.byteLength(part.text) <= bytesMax) return [part];
  return textPieces(part.text, bytesMax).map((text) => ({ ...part, text }));
}

/** Cuts a text between characters. */
function textPieces(text: string, bytesMax: number): string[] {
  const bytes = Buffer.from(text);
  const pieces: string[] = [];
  for (let from = 0; from < bytes.length;) {
    let to = Math.min(bytes.length, from + bytesMax);
    // A byte that goes on with a character (RFC 3629, 3).
    while (to < bytes.length && (bytes[to]! & 0xc0) === 0x80) to--;
    pieces.push(bytes.toString('utf8', from, to));
    from = to;
  }
  return pieces;
}
