import type { Part } from '../tree/parts.js';

/** Where conversations come from. */
export const SOURCES = ['chatgpt', 'claude', 'librechat', 'open_webui', 'banyan'] as const;
export type Source = (typeof SOURCES)[number];

/**
 * A file that a message names: bytes that came with it (`data`), or a name under which the archive
 * may have them. `instead` is what stands in its place where they are nowhere.
 */
export class SourceFile {
  readonly type = 'source_file';

  constructor(
    readonly at: { ref: string } | { data: Buffer },
    readonly name: string | undefined,
    readonly instead: Part,
  ) {}

  toJSON(): Part {
    return this.instead;
  }
}

export type ImportPart = Part | SourceFile;

/** Which side of a pair a message stands on; an `instruction` stands before a question. */
export type SourceRole = 'user' | 'instruction' | 'assistant';

export interface SourceMessage {
  /** Its name at its source, unique in the conversation. */
  id: string;
  /** The message that it follows; null where it is a first one. */
  parentId: string | null;
  role: SourceRole;
  /** Nothing in it: what follows it follows the message before it. */
  parts: ImportPart[];
  model: string | null;
  at: Date | null;
  /** The messages that follow it in the order of their source, where the source says it. */
  children?: readonly string[];
  usage?: SourceUsage;
}

export interface SourceUsage {
  input_tokens?: number;
  output_tokens?: number;
}

/** A conversation as its source has it: a tree of messages. */
export interface SourceTree {
  source: Source;
  /** Its name at its source. */
  id: string;
  name: string | null;
  model: string | null;
  systemPrompt: string | null;
  createdAt: Date | null;
  updatedAt: Date | null;
  archived: boolean;
  pinned: boolean;
  /** In the order of the source. */
  messages: SourceMessage[];
  /** The message that its person saw last; null where the source does not say it. */
  head: string | null;
  /** What else the source says of it, for the metadata of the chat. */
  notes: Record<string, unknown>;
}

/** A text of a message, where it says something. */
export const texts = (value: unknown): Part[] =>
  typeof value === 'string' && value.trim() !== '' ? [{ type: 'text', text: value }] : [];

/** Counts what could not be taken as it was, by kind. */
export class Tally {
  private readonly counts = new Map<string, number>();

  add(kind: string, count = 1): void {
    if (count > 0) this.counts.set(kind, (this.counts.get(kind) ?? 0) + count);
  }

  addAll(counts: Readonly<Record<string, number>>): void {
    for (const [kind, count] of Object.entries(counts)) this.add(kind, count);
  }

  toJSON(): Record<string, number> {
    return Object.fromEntries([...this.counts].sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}

/** Why a file, or one conversation of it, cannot be read: for its person, with the mend. */
export class Unreadable extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
    this.name = 'Unreadable';
  }
}
