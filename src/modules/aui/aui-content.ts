import { exactTwin, handDown } from '../../common/exact-json.js';
import { isObject } from '../../common/is-object.js';
import { invalidField } from '../../common/problems.js';
import {
  partsFault,
  QUESTION_BYTES_MAX,
  RESPONSE_BYTES_MAX,
  type SideName,
} from '../../tree/part-rules.js';
import type { DataPart, OtherPart, Part, ResponsePart, TextPart } from '../../tree/parts.js';

/** The format of `other` parts that are a whole message: this, and the client's name of it. */
const FORMAT = 'aui:';
/** The name of the `data` part with the ids of a message. */
const IDS = 'aui.message';

/** Ids that are kept with a side. */
export interface KeptIds {
  external_id?: string;
  /** The message that the question of this pair is; another pair has it too. */
  question?: string;
}

/** A message that is to be kept. */
export interface Given {
  format: string;
  content: Record<string, unknown>;
  ids: KeptIds;
}

export const ROLES = ['user', 'assistant', 'system'] as const;

/** Who says a message. @throws 422 */
export function roleOf({ role }: Record<string, unknown>): (typeof ROLES)[number] {
  const found = ROLES.find((one) => one === role);
  if (!found) throw invalidField('content.role', `must be one of: ${ROLES.join(', ')}`);
  return found;
}

/**
 * A message as the side of a pair: its words as texts, which models are told and searches find, and
 * all of it as it came. @throws 422 for what cannot be kept
 */
export function partsOf(side: SideName, { format, content, ids }: Given): ResponsePart[] {
  handDown(content);
  const whole: OtherPart = { type: 'other', format: `${FORMAT}${format}`, value: content };
  const texts = textsIn(content);
  const kept = idsPart(ids);
  const parts = [...texts, whole, ...(kept ? [kept] : [])];
  const fault = partsFault(
    side,
    parts,
    side === 'question' ? QUESTION_BYTES_MAX : RESPONSE_BYTES_MAX,
  );
  if (fault) throw invalidField('content', fault.message);
  return parts;
}

export const idsPart = (ids: KeptIds): DataPart | null =>
  Object.keys(ids).length > 0 ? { type: 'data', name: IDS, value: ids } : null;

/** The words of a message: of a text, or of the text parts of a list of parts. */
export function textsIn({ content, parts = content }: Record<string, unknown>): TextPart[] {
  const all: unknown[] =
    typeof parts === 'string' ? [{ type: 'text', text: parts }] : asList(parts);
  return all.flatMap((part) => {
    if (!isObject(part) || part['type'] !== 'text') return [];
    const { text } = part;
    return typeof text === 'string' && text.trim() !== '' ? [{ type: 'text', text } as const] : [];
  });
}

const asList = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

/** The ids that are kept with a side. */
export function idsIn(parts: readonly Part[]): KeptIds {
  const kept = parts.find((part) => part.type === 'data' && part.name === IDS);
  return kept ? ((kept as DataPart).value as KeptIds) : {};
}

/** The message that a side is, with its digits for `exactJson`: as it came, else of its words. */
export function messageIn(
  role: 'user' | 'assistant',
  parts: readonly Part[],
  asked: string,
): { format: string; content: object } {
  const whole = parts.find(
    (part): part is OtherPart => part.type === 'other' && part.format.startsWith(FORMAT),
  );
  if (whole)
    return { format: whole.format.slice(FORMAT.length), content: exactTwin(whole.value) as object };
  const texts = parts.flatMap((part) =>
    part.type === 'text' || part.type === 'refusal' ? [{ type: 'text', text: part.text }] : [],
  );
  return {
    format: asked,
    content: asked.startsWith('ai-sdk/') ? { role, parts: texts } : auiContent(role, texts),
  };
}

/** A message of `aui/v0` that was said elsewhere. */
const auiContent = (role: string, content: object[]): object => ({
  ...{ role, content, metadata: { custom: {} } },
  ...(role === 'assistant' && { status: { type: 'complete', reason: 'stop' } }),
});
