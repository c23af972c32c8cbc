import { isUuid } from '../../common/ids.js';
import type { FilePart } from '../../tree/parts.js';
import type { UrlOf } from '../client-chat/client-files.service.js';

export const ROLES = [
  ...(['developer', 'system', 'assistant', 'user'] as const),
  ...(['tool', 'activity', 'reasoning'] as const),
];

/** A message of AG-UI 1.0, as we tell it. */
export type AguiMessage = { id: string; role: (typeof ROLES)[number] } & Record<string, unknown>;

/** An event of AG-UI 1.0. */
export type AguiEvent = { type: string } & Record<string, unknown>;

/**
 * Names of `data` parts, in which is kept what a page sent beside words: its state; fields of a
 * message, of a content part or of an answer to an interrupt that have no place of their own here.
 */
export const KEPT = {
  state: 'ag-ui.state',
  message: 'ag-ui.message',
  part: 'ag-ui.part',
  resume: 'ag-ui.resume',
} as const;

/** What a page of AG-UI knows files by. */
const KINDS = ['image', 'audio', 'video'] as const;
export const FILE_KINDS = [...KINDS, 'document'] as const;

/** A file as a content part. */
export function fileContent(file: FilePart, urlOf: UrlOf): Record<string, unknown> {
  const { media_type: mimeType, name } = file;
  const kind = KINDS.find((one) => mimeType.startsWith(`${one}/`)) ?? 'document';
  const [, value] = /^data:[^,]*;base64,(.*)$/s.exec(urlOf(file)) ?? [];
  const source =
    value === undefined
      ? { type: 'url', value: urlOf(file), mimeType }
      : { type: 'data', value, mimeType };
  return { type: kind, source, ...(name !== undefined && { metadata: { filename: name } }) };
}

/** The ids of the messages of one pair. That of the answer is the `response_id` itself. */
export const idsOf = (responseId: string) => ({
  system: (at: number) => `${responseId}-system-${at}`,
  question: `${responseId}-question`,
  /** Of the calls of the pair before it. */
  result: (at: number) => `${responseId}-result-${at}`,
  reasoning: (at: number) => `${responseId}-reasoning-${at}`,
  /** Of a tool that the provider ran. */
  output: (at: number) => `${responseId}-output-${at}`,
});

const OURS =
  /^([\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12})-(?:system|question|result|reasoning|output)\b/i;

/** The pair of a message that was told here; null for one that a page made. */
export function pairIdOf({ id, role }: { id: string; role: string }): string | null {
  if (role === 'assistant' && isUuid(id)) return id;
  return OURS.exec(id)?.[1] ?? null;
}
