import { handDown } from '../../common/exact-json.js';
import { isUuid } from '../../common/ids.js';
import { invalidField } from '../../common/problems.js';
import type { AnswerSettings } from '../../llm/settings.js';
import type { ToolResultPart } from '../../tree/parts.js';
import { QUESTION_BYTES_MAX } from '../../tree/part-rules.js';
import type { UiChatDto, UiMessageDto } from './aisdk.dto.js';
import { ownMetadata } from './ui-metadata.js';
import { STEP, type UiPart } from './ui-parts.js';
import { settingsOf } from './ui-settings.js';

/** A message of the model, by the pair that it begins with, and how many turns it has so far. */
export interface UiPlace {
  id: string;
  steps: number;
}

/** What a client wants to be said, and where. */
export interface UiTurn {
  /** What a person says, as it came; nothing where results of tools are all there is. */
  said: UiPart[];
  /** Where in the request that stands. */
  path: string;
  metadata: Record<string, unknown> | null;
  /** Of calls of the message before it. */
  results: ToolResultPart[];
  /** What systems say, anywhere in the request. */
  systems: string[];
  /**
   * What it follows: null = nothing, undefined = the client told nothing of the path.
   */
  after: UiPlace | null | undefined;
  /** Whether the answer goes on with the message that it follows. */
  isStep: boolean;
  settings: AnswerSettings;
}

/**
 * What a request says, and behind what. Clients know a pair by its response: `start` gave it the
 * `response_id` as its message id, and they send it back among their `messages`. An assistant's
 * message with another id was made by the page: it is skipped.
 * @throws 422 when nothing is said, or something that cannot be
 */
export function turnOf(body: UiChatDto): UiTurn {
  const all = body.message ? [body.message] : (body.messages ?? []);
  const pathOf = (at: number): string => (body.message ? 'message' : `messages.${at}`);
  const systems = all.flatMap((one, at) =>
    one.role === 'system' ? systemText(one, pathOf(at)) : [],
  );
  const told = { systems, settings: settingsOf(body) };
  const last = all.at(-1);
  const results = last && isAnswer(last) ? resultsIn(last) : [];
  if (results.length > 0 && body.trigger !== 'regenerate-message') {
    const nothing = { said: [], path: pathOf(all.length - 1), metadata: null };
    return { ...told, ...nothing, results, after: placeOf(last!), isStep: true };
  }
  const at = all.map(({ role }) => role).lastIndexOf('user');
  if (at < 0) throw invalidField('messages', 'must have a message of the role user');
  const before = all.slice(0, at).findLast(isAnswer);
  return {
    ...told,
    ...saidIn(all[at]!, pathOf(at)),
    results: before ? resultsIn(before) : [],
    after: body.message ? undefined : before ? placeOf(before) : null,
    isStep: false,
  };
}

/**
 * The pair whose response is to be made anew: the one that is named, else the last one; null when
 * it is a question that has none.
 */
export function pairToRegenerate({ messageId, messages }: UiChatDto): string | null {
  if (isUuid(messageId)) return messageId;
  const last = messages?.at(-1);
  return last && isAnswer(last) ? last.id : null;
}

const isAnswer = ({ role, id }: UiMessageDto): boolean => role === 'assistant' && isUuid(id);

const placeOf = ({ id, parts = [] }: UiMessageDto): UiPlace => ({
  id,
  steps: Math.max(1, parts.filter(({ type }) => type === STEP.type).length),
});

const saidIn = (
  message: UiMessageDto,
  path: string,
): Pick<UiTurn, 'said' | 'path' | 'metadata'> => ({
  said: partsIn(message, path),
  path,
  metadata: ownMetadata(message.metadata, path),
});

/**
 * What a message of a person or a system says. Parts that say nothing (a boundary of steps, an
 * empty text beside something else) are left out.
 */
function partsIn({ parts, content }: UiMessageDto, path: string): UiPart[] {
  const given = parts ?? [{ type: 'text', text: content }];
  // The digits of their numbers go with them.
  handDown(given);
  for (const part of given) handDown(part);
  const stray = given.find(({ type }) => typeof type !== 'string');
  if (stray)
    throw invalidField(
      `${path}.parts`,
      `must have parts of some type; ${String(JSON.stringify(stray.type)).slice(0, 40)} is none`,
    );
  const said = (given as UiPart[]).filter(
    ({ type, text }) => type !== STEP.type && !(type === 'text' && !text),
  );
  checkTexts(said, path);
  return said;
}

function checkTexts(said: readonly UiPart[], path: string): void {
  const texts = said.filter(({ type }) => type === 'text').map(({ text }) => text);
  if (!texts.every((text) => typeof text === 'string'))
    throw invalidField(`${path}.parts`, 'must have texts that are strings');
  const text = texts.join('\n');
  if (text.trim() === '' && said.length === texts.length)
    throw invalidField(`${path}.parts`, 'must have a text that is not blank');
  if (Buffer.byteLength(text) > QUESTION_BYTES_MAX)
    throw invalidField(`${path}.parts`, `must have at most ${QUESTION_BYTES_MAX} bytes of UTF-8`);
}

function systemText(message: UiMessageDto, path: string): string {
  const said = partsIn(message, path);
  if (said.some(({ type }) => type !== 'text'))
    throw invalidField(`${path}.parts`, 'must be text: a system says nothing else');
  return said.map(({ text }) => text as string).join('\n');
}

/** Of the calls in the last turn of a message, those that the page has results of. */
function resultsIn({ parts = [] }: UiMessageDto): ToolResultPart[] {
  const last = parts.map(({ type }) => type).lastIndexOf(STEP.type);
  // The digits of their numbers go with them.
  handDown(parts);
  return parts.slice(last + 1).flatMap((part) => {
    handDown(part);
    return resultIn(part) ?? [];
  });
}

function resultIn(part: Partial<UiPart>): ToolResultPart | null {
  const { toolCallId, state, output, errorText, approval } = part;
  if (!isTool(part) || typeof toolCallId !== 'string') return null;
  const result = { type: 'tool_result', call_id: toolCallId } as const;
  if (state === 'output-available') return { ...result, output: output ?? null };
  if (state === 'output-error') return { ...result, output: errorText ?? '', is_error: true };
  if (state !== 'output-denied') return null;
  const { reason } = (approval ?? {}) as { reason?: unknown };
  return { ...result, output: reason ?? 'The person did not allow it.', is_error: true };
}

/** A call that the page has run; not one of which there is more to come. */
const isTool = ({ type, providerExecuted, preliminary }: Partial<UiPart>): boolean =>
  typeof type === 'string' &&
  (type.startsWith('tool-') || type === 'dynamic-tool') &&
  providerExecuted !== true &&
  preliminary !== true;
