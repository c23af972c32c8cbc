/** What a side of a pair is made of (`design.md`, 3b). Field names are those of the API. */
export type Part = QuestionPart | ResponsePart;

export type QuestionPart =
  TextPart | InstructionPart | FilePart | ToolResultPart | DataPart | OtherPart;

export type ResponsePart =
  | TextPart
  | FilePart
  | ToolCallPart
  | ToolResultPart
  | ReasoningPart
  | SourcePart
  | RefusalPart
  | DataPart
  | OtherPart;

export interface TextPart {
  type: 'text';
  text: string;
  phase?: 'commentary' | 'final_answer';
  annotations?: unknown[];
}

/** Heard by every later turn of the path, in its place. */
export interface InstructionPart {
  type: 'instruction';
  role: 'system' | 'developer';
  text: string;
}

/** Bytes that the account keeps (`file_id`), or that are elsewhere (`url`, never fetched by us). */
export interface FilePart {
  type: 'file';
  file_id?: string;
  url?: string;
  media_type: string;
  name?: string;
  bytes?: number;
  /** In hex. */
  sha256?: string;
  detail?: string;
}

export interface ToolCallPart {
  type: 'tool_call';
  call_id: string;
  name: string;
  /** JSON as the model wrote it; a text where that was no JSON. */
  input: unknown;
  /** The provider ran the tool itself. */
  provider_executed?: boolean;
}

export interface ToolResultPart {
  type: 'tool_result';
  call_id: string;
  /** A text, any JSON, or a list of `text` and `file` parts. */
  output: unknown;
  is_error?: boolean;
}

export interface ReasoningPart {
  type: 'reasoning';
  text: string;
  summary?: string;
  /** What a provider must get back unread. */
  opaque?: unknown;
}

export interface SourcePart {
  type: 'source';
  url?: string;
  title?: string;
  [field: string]: unknown;
}

export interface RefusalPart {
  type: 'refusal';
  text: string;
}

/** A client's own. */
export interface DataPart {
  type: 'data';
  name: string;
  value: unknown;
}

/** Anything that has no name here, kept word for word. */
export interface OtherPart {
  type: 'other';
  format: string;
  value: unknown;
}

/** Plain text of a side: its text parts, joined by a line break; null where there is none. */
export function textOf(parts: readonly Part[]): string | null {
  const texts = parts.filter((part): part is TextPart => part.type === 'text');
  return texts.length === 0 ? null : texts.map(({ text }) => text).join('\n');
}

/** Whether a side is one text and nothing else: then its parts are not kept. */
export function isPlain(parts: readonly Part[]): boolean {
  const [only] = parts;
  return parts.length === 1 && only!.type === 'text' && !only.phase && !only.annotations;
}

/** A side as it is kept: its text, and its parts where they are more than that. */
export interface Side<Of extends Part> {
  text: string | null;
  parts: Of[] | null;
}

/** The side that these parts make: of this very list, by which digits of numbers are known. */
export function sideOf<Of extends Part>(parts: readonly Of[]): Side<Of> {
  const isMore = parts.length > 0 && !isPlain(parts);
  return { text: textOf(parts), parts: isMore ? (parts as Of[]) : null };
}

/** All parts of a side; the one of a plain text too. */
export const partsOfSide = <Of extends Part>({ text, parts }: Side<Of>): (Of | TextPart)[] =>
  parts ?? (text === null ? [] : [{ type: 'text', text }]);

/** The calls that a side makes, in order, each once; null where it makes none. */
export function callIdsOf(parts: readonly Part[] | null | undefined): string[] | null {
  const ids = (parts ?? []).flatMap((part) => (part.type === 'tool_call' ? [part.call_id] : []));
  return ids.length > 0 ? [...new Set(ids)] : null;
}
