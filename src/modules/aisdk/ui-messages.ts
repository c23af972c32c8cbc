import type { ResponsePart, SourcePart, ToolCallPart, ToolResultPart } from '../../tree/parts.js';
import type { Pair } from '../chat/pair.js';
import type { UrlOf } from '../client-chat/client-files.service.js';
import { type PairParts, partsOfPair } from '../client-chat/pair-parts.js';
import type { UiStoredMessageDto } from './aisdk.dto.js';
import { storedMetadata } from './ui-metadata.js';
import {
  filePart,
  inputFault,
  outputOf,
  ownPart,
  sourcePart,
  STEP,
  type UiPart,
} from './ui-parts.js';

/** Whether a pair goes on with the message before it: nobody says anything in between. */
export const goesOn = ({ asked: { instructions, results, said } }: PairParts): boolean =>
  results.length > 0 && said.length === 0 && instructions.length === 0;

/**
 * Pairs of a path as `useChat` keeps them, for `exactJson`. Pairs that a model's calls have parted
 * are one message of several steps, whose id is that of the first.
 */
export function messagesOf(pairs: readonly Pair[], urlOf: UrlOf): UiStoredMessageDto[] {
  const messages: UiStoredMessageDto[] = [];
  /** Calls that wait for their results. */
  const open = new Map<string, UiPart>();
  for (const pair of pairs) {
    const parts = partsOfPair(pair);
    for (const result of parts.asked.results) settle(open.get(result.call_id), result);
    messages.push(...questionsOf(pair, parts, urlOf));
    const last = messages.at(-1);
    const joined = last?.role === 'assistant' && goesOn(parts) ? last : null;
    const steps = stepOf(pair, parts, joined !== null, { open, urlOf });
    if (joined) Object.assign(joined, joinedBy(joined, steps, pair));
    else if (steps.length > 0)
      messages.push(message(pair.responseId, 'assistant', steps, storedMetadata(pair)));
  }
  return messages;
}

const message = (
  id: string,
  role: string,
  parts: UiPart[],
  metadata: Record<string, unknown>,
): UiStoredMessageDto => ({ id, role, parts, metadata });

/** A step more. */
function joinedBy(
  { parts }: UiStoredMessageDto,
  steps: readonly UiPart[],
  pair: Pair,
): Pick<UiStoredMessageDto, 'parts' | 'metadata'> {
  return { parts: [...parts, ...steps], metadata: storedMetadata(pair) };
}

/** What systems and people say in a pair, as messages of theirs. */
function questionsOf(pair: Pair, parts: PairParts, urlOf: UrlOf): UiStoredMessageDto[] {
  const { instructions, said } = parts.asked;
  const told = instructions.map(({ text }): UiPart => ({ type: 'text', text }));
  const shown = said.map((part): UiPart => {
    if (part.type === 'text') return { type: 'text', text: part.text };
    return part.type === 'file' ? filePart(part, urlOf) : ownPart(part);
  });
  const system = message(`${pair.responseId}-system`, 'system', told, storedMetadata(pair));
  const user = message(
    `${pair.responseId}-question`,
    'user',
    shown,
    storedMetadata(pair, parts.metadata),
  );
  return [system, user].filter((one) => one.parts.length > 0);
}

interface UiContext {
  open: Map<string, UiPart>;
  urlOf: UrlOf;
}

/** What the model said in a pair. A text alone is that, unless it is a step behind others. */
function stepOf(
  pair: Pair,
  { answered, isPlain }: PairParts,
  isJoined: boolean,
  showing: UiContext,
): UiPart[] {
  if (isPlain && !isJoined)
    return answered.map((part) => ({ type: 'text', text: (part as { text: string }).text }));
  let sources = 0;
  const shown = answered.flatMap((part) =>
    part.type === 'source'
      ? [sourcePart(part, `${pair.responseId}-${sources++}`)]
      : shownOf(part, showing),
  );
  return [STEP, ...shown];
}

function shownOf(part: Exclude<ResponsePart, SourcePart>, { open, urlOf }: UiContext): UiPart[] {
  switch (part.type) {
    case 'text':
    case 'refusal':
      return [{ type: 'text', text: part.text, state: 'done' }];
    case 'reasoning':
      return [{ type: 'reasoning', text: part.text || (part.summary ?? ''), state: 'done' }];
    case 'tool_call': {
      const call = callPart(part);
      open.set(part.call_id, call);
      return [call];
    }
    case 'tool_result':
      settle(open.get(part.call_id), part);
      return [];
    case 'file':
      return [filePart(part, urlOf)];
    default:
      return [ownPart(part)];
  }
}

function callPart({ call_id, name, input, provider_executed: byProvider }: ToolCallPart): UiPart {
  const call = {
    type: `tool-${name}`,
    toolCallId: call_id,
    ...(byProvider && { providerExecuted: true }),
  };
  const fault = inputFault(input);
  if (fault === null) return { ...call, state: 'input-available', input };
  // Where a text stands that is no JSON: in `rawInput` for major 6, in `input` for 7.
  return { ...call, state: 'output-error', input, rawInput: input, errorText: fault };
}

function settle(call: UiPart | undefined, result: ToolResultPart): void {
  if (call) Object.assign(call, outputOf(result));
}
