import { exactTwin } from '../../common/exact-json.js';
import { isObject } from '../../common/is-object.js';
import type { FilePart, ResponsePart, ToolResultPart } from '../../tree/parts.js';
import type { Pair } from '../chat/pair.js';
import type { UrlOf } from '../client-chat/client-files.service.js';
import { type QuestionContent, type PairParts, partsOfPair } from '../client-chat/pair-parts.js';
import { type AguiMessage, fileContent, idsOf, KEPT } from './agui-message.js';
import { argumentsOf, resultFields } from './tool-content.js';

/**
 * Pairs of a path as messages of AG-UI, for `exactJson`.
 * @param without the pair whose answer is being told elsewhere
 */
export const messagesOf = (
  pairs: readonly Pair[],
  urlOf: UrlOf,
  without: string | null = null,
): AguiMessage[] =>
  pairs.flatMap((pair) => {
    const parts = partsOfPair(pair);
    const answer = pair.responseId === without ? [] : answersOf(pair, parts, urlOf);
    return [...questionsOf(pair, parts, urlOf), ...answer];
  });

/** The state that a page sent with the newest of these pairs; undefined where none did. */
export function stateOf(pairs: readonly Pair[]): unknown {
  for (const pair of pairs.toReversed()) {
    const state = keptIn(partsOfPair(pair).asked, KEPT.state);
    if (state) return state.value;
  }
  return undefined;
}

const keptIn = ({ said }: QuestionContent, name: string) =>
  said.find((part) => part.type === 'data' && part.name === name) as { value: unknown } | undefined;

/** What systems, tools and people say in a pair. */
function questionsOf(pair: Pair, { asked, metadata }: PairParts, urlOf: UrlOf): AguiMessage[] {
  const ids = idsOf(pair.responseId);
  const content = contentOf(asked, urlOf);
  const beside = keptIn(asked, KEPT.message)?.value;
  const user: AguiMessage = {
    ...(isObject(beside) && beside),
    ...{ id: ids.question, role: 'user', content },
    ...(pair.author !== null && { name: pair.author }),
    ...(metadata && { metadata: exactTwin(metadata) }),
  };
  return [
    ...asked.results.map((result, at) => resultMessage(ids.result(at), result, urlOf)),
    ...asked.instructions.map(({ role, text }, at): AguiMessage => ({
      id: ids.system(at),
      role,
      content: text,
    })),
    ...(content.length > 0 ? [user] : []),
  ];
}

const resultMessage = (id: string, result: ToolResultPart, urlOf: UrlOf): AguiMessage => ({
  ...{ id, role: 'tool' },
  ...resultFields(result, urlOf),
});

/** A text where that is all there is. */
function contentOf({ said }: QuestionContent, urlOf: UrlOf): string | object[] {
  const parts: Record<string, unknown>[] = [];
  for (const part of said) {
    if (part.type === 'text') parts.push({ type: 'text', text: part.text });
    else if (part.type === 'file') parts.push(fileContent(part, urlOf));
    else if (part.type === 'data' && part.name === KEPT.part)
      Object.assign(parts.at(-1)!, part.value);
  }
  const [only] = parts;
  return parts.length === 1 && only!['type'] === 'text' && Object.keys(only!).length === 2
    ? (only!['text'] as string)
    : parts;
}

/** What the model said in a pair: its thoughts, its words with its calls, what tools gave. */
function answersOf(pair: Pair, { answered }: PairParts, urlOf: UrlOf): AguiMessage[] {
  const ids = idsOf(pair.responseId);
  const ofType = <Type extends ResponsePart['type']>(type: Type) =>
    answered.filter((part): part is Extract<ResponsePart, { type: Type }> => part.type === type);
  const text = answered.flatMap((part) =>
    part.type === 'text' || part.type === 'refusal' ? [part.text] : [],
  );
  const toolCalls = ofType('tool_call').map((call) => ({
    ...{ id: call.call_id, type: 'function' },
    function: { name: call.name, arguments: argumentsOf(call) },
  }));
  const beside = answered.filter(isBeside).map((part) => besideText(part, urlOf));
  const answer: AguiMessage = {
    ...{ id: pair.responseId, role: 'assistant' },
    ...(text.length > 0 && { content: text.join('\n') }),
    ...(toolCalls.length > 0 && { toolCalls }),
    ...(beside.length > 0 && { metadata: { parts: beside } }),
  };
  return [
    ...ofType('reasoning').map((part, at): AguiMessage => ({
      ...{ id: ids.reasoning(at), role: 'reasoning' },
      content: part.text || (part.summary ?? ''),
    })),
    ...(answered.length > 0 ? [answer] : []),
    ...ofType('tool_result').map((result, at) => resultMessage(ids.output(at), result, urlOf)),
  ];
}

type Beside = Extract<ResponsePart, { type: 'file' | 'source' | 'data' | 'other' }>;

/** Parts that AG-UI has no place for in an assistant's message. */
export const isBeside = (part: ResponsePart): part is Beside =>
  ['file', 'source', 'data', 'other'].includes(part.type);

/** Such a part, as it is told within metadata and custom events. */
export const besideText = (part: Beside, urlOf: UrlOf): unknown =>
  part.type === 'file' ? { ...part, url: urlOf(part as FilePart) } : part;
