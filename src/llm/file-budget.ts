import type { FilePart } from '../tree/parts.js';
import { ModelError, type ModelMessage } from './language-model.js';
import { isList } from './message-size.js';
import { kindOf } from './provider-prompt.js';

const BYTES_PER_MIB = 1024 * 1024;

/**
 * The same messages with no more bytes of files than a request may have. Files of earlier turns are
 * left out from the oldest on, and told by their names.
 * @param mayCut whether they may be
 * @throws ModelError files_too_large for the question's own
 */
export function fitFiles(
  messages: readonly ModelMessage[],
  mayCut: boolean,
  bytesMax: number,
): ModelMessage[] {
  const asked = messages.findLastIndex(({ role }) => role === 'assistant') + 1;
  let room = bytesMax;
  const taken = (file: FilePart, at: number): FilePart => {
    const bytes = bytesRead(file);
    if (bytes > room && (!mayCut || at >= asked)) throw tooLarge(file, bytes, bytesMax);
    if (bytes > room) return unread(file);
    room -= bytes;
    return file;
  };
  return messages
    .map((message, at) => ({ message, at }))
    .reverse()
    .map(({ message, at }) => withFiles(message, (file) => taken(file, at)))
    .reverse();
}

function withFiles(message: ModelMessage, taken: (file: FilePart) => FilePart): ModelMessage {
  const each = <Some extends { type: string }>(part: Some | FilePart): Some | FilePart =>
    part.type === 'file' ? taken(part as FilePart) : part;
  if (typeof message.content === 'string') return message;
  if (message.role === 'user') return { ...message, content: message.content.map(each) };
  if (message.role !== 'tool') return message;
  const content = message.content.map((result) =>
    isList(result.output) ? { ...result, output: result.output.map(each) } : result,
  );
  return { role: 'tool', content };
}

/** Of what no provider takes only the name is told. */
function bytesRead({ media_type: type, url, bytes = 0 }: FilePart): number {
  if (kindOf(type) === null) return 0;
  if (url === undefined) return bytes;
  return url.startsWith('data:') ? Math.floor((url.length * 3) / 4) : 0;
}

const unread = ({ media_type, name }: FilePart): FilePart => ({
  type: 'file',
  media_type,
  ...(name !== undefined && { name }),
});

const tooLarge = ({ name, file_id: id }: FilePart, bytes: number, max: number): ModelError =>
  new ModelError(
    'files_too_large',
    `The file ${name ?? id ?? 'without a name'} (${mib(bytes)} MiB) has no room: a model is given at most ${mib(max)} MiB of files at once. Send fewer or smaller ones.`,
  );

const mib = (bytes: number): string => (bytes / BYTES_PER_MIB).toFixed(1).replace(/\.0$/, '');
