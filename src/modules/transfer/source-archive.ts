import { basename } from 'node:path/posix';
import { itemsOf, type Layout } from '../../formats/json-items.js';
import { Unreadable } from '../../formats/source.js';
import { Archive, type Bytes, isZip } from './archive.js';

/** How many bytes of a file tell what it is. */
const HEAD_BYTES = 4096;
/** Exports in pieces have one after the other. */
const CONVERSATIONS = /^conversations(?:-\d+)?\.json$/;
const JSON_NAME = /\.(?:json|jsonl|ndjson)$/;
/** What ChatGPT and Claude put beside conversations. */
const BESIDE =
  /^(?:user|users|projects|memories|message_feedback|model_comparisons|shared_conversations|user_settings|export_manifest|group_chats|shopping|sora|library_files)\.json$/;
/** How ChatGPT names files: by the name that messages have for them, and what they were called. */
const FILE_ID = /^file[-_][A-Za-z0-9]+/;

/** A file of conversations: JSON, lines of JSON, or a zip with such files and with others. */
export class SourceArchive {
  private readonly media = new Map<string, string>();
  private readonly parts: string[];
  /** Of the conversations, unpacked. */
  readonly bytes: number;

  private constructor(
    private readonly file: Bytes,
    private readonly archive: Archive | null,
  ) {
    this.parts = archive ? conversationsIn(archive.names) : [];
    this.bytes = archive
      ? this.parts.reduce((sum, name) => sum + archive.sizeOf(name), 0)
      : file.size;
    for (const name of archive?.names ?? []) {
      const base = basename(name);
      for (const key of [name, base, FILE_ID.exec(base)?.[0]])
        if (key !== undefined && !this.media.has(key)) this.media.set(key, name);
    }
  }

  /** @throws Unreadable when it is empty, or no such file */
  static async open(file: Bytes): Promise<SourceArchive> {
    if (file.size === 0) throw new Unreadable('empty_file', 'The file is empty.');
    const head = await collect(file.read(0, Math.min(4, file.size)));
    const source = new SourceArchive(file, isZip(head) ? await Archive.open(file) : null);
    if (source.archive && source.parts.length === 0)
      throw new Unreadable('no_conversations', 'The zip has no conversations (no file of JSON).');
    return source;
  }

  /** @param onBytes is told how much was read of them */
  async *items(onBytes: (bytes: number) => void): AsyncGenerator<unknown> {
    const files = this.archive
      ? this.parts.map((name) => () => this.archive!.read(name))
      : [() => this.file.read(0, this.file.size)];
    for (const open of files) {
      const layout = await layoutOf(open());
      yield* itemsOf(counted(open(), onBytes), layout);
    }
  }

  /** A file that a message names; null where the zip has none of that name. */
  find(ref: string): { name: string; bytes: number; read: () => AsyncIterable<Buffer> } | null {
    const name = this.media.get(ref) ?? this.media.get(FILE_ID.exec(ref)?.[0] ?? '');
    if (name === undefined) return null;
    const { archive } = this;
    return { name: basename(name), bytes: archive!.sizeOf(name), read: () => archive!.read(name) };
  }

  close(): void {
    this.archive?.close();
  }
}

function conversationsIn(names: readonly string[]): string[] {
  const exact = names.filter((name) => CONVERSATIONS.test(basename(name)));
  const found = exact.length > 0 ? exact : names.filter((name) => JSON_NAME.test(name));
  return found.filter((name) => !BESIDE.test(basename(name))).sort();
}

/** By its first characters: a list, lines of JSON (the first of which is whole), or one object. */
async function layoutOf(bytes: AsyncIterable<Buffer>): Promise<Layout> {
  let head = '';
  for await (const chunk of bytes) {
    head += chunk.toString('latin1');
    if (head.length >= HEAD_BYTES) break;
  }
  const text = head.replace(/^\u00ef\u00bb\u00bf/, '').trimStart();
  if (text.startsWith('[')) return 'list';
  const line = /^(\{.*\})\s*\n\s*\{/.exec(text.slice(0, HEAD_BYTES));
  return line && isJson(line[1]!) ? 'lines' : 'single';
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

async function* counted(
  bytes: AsyncIterable<Buffer>,
  onBytes: (bytes: number) => void,
): AsyncGenerator<Buffer> {
  for await (const chunk of bytes) {
    yield chunk;
    onBytes(chunk.length);
  }
}

async function collect(bytes: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of bytes) chunks.push(chunk);
  return Buffer.concat(chunks);
}
