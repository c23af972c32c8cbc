import type {
  FilePart,
  QuestionPart,
  ReasoningPart,
  ResponsePart,
  TextPart,
  ToolCallPart,
  ToolResultPart,
} from '../tree/parts.js';
import { partsOfSide } from '../tree/parts.js';
import type { ModelMessage, NamedResult } from './language-model.js';

/** A pair, as far as it matters for what a model is told. */
export interface ToldPair {
  question: string | null;
  response: string | null;
  question_parts?: readonly QuestionPart[] | null;
  response_parts?: readonly ResponsePart[] | null;
  /** Absent where it does not matter: in the question that is to be answered. */
  status?: string;
  errorCode?: string | null;
  /** That gave the response. */
  model?: string | null;
}

type UserPart = TextPart | FilePart;
type AssistantPart = TextPart | ReasoningPart | ToolCallPart | FilePart;
type Line =
  | { role: 'system'; text: string }
  | { role: 'user'; parts: UserPart[] }
  | { role: 'assistant'; parts: AssistantPart[]; isClosed: boolean };

/** Told in the place of a result that never came. */
const INTERRUPTED = 'The call was interrupted: it has no result.';
const FILTERED = ['question_filtered', 'answer_filtered'];
const BETWEEN_QUESTIONS = '\n\n';

export const questionParts = ({ question, question_parts }: ToldPair): readonly QuestionPart[] =>
  partsOfSide({ text: question, parts: (question_parts as QuestionPart[] | null) ?? null });
export const responseParts = ({ response, response_parts }: ToldPair): readonly ResponsePart[] =>
  partsOfSide({ text: response, parts: (response_parts as ResponsePart[] | null) ?? null });

/**
 * What a model is told of a path, whose last pair has the question: the only place where that is
 * made. Roles alternate, instructions apart: questions that nobody answered are joined to the next
 * one, and answers without a question to the one before. Instructions stand where they were given.
 * Each call has exactly one result right behind it; one that has none is told as interrupted, and a
 * result for no call is left out. Questions that failed without a word are left out, and all of a
 * pair that a filter refused. Thoughts go back to the model alone that had them: in its provider's
 * own form always, as a text while its tools run.
 * @param model that is asked, by its id
 */
export function messagesOf(
  systemPrompt: string | null,
  pairs: readonly ToldPair[],
  model: string | null = null,
): ModelMessage[] {
  const told = pairs.filter(isTold);
  const lines = new Lines();
  if (systemPrompt !== null) lines.instruct(systemPrompt);
  const lastAsked = told.findLastIndex(asksSomething);
  for (const [at, pair] of told.entries()) {
    const isLeftOut = hasFailed(pair);
    for (const part of questionParts(pair)) {
      if (part.type === 'instruction') lines.instruct(part.text);
      else if ((part.type === 'text' || part.type === 'file') && !isLeftOut) lines.ask(part, at);
    }
    for (const part of responseParts(pair))
      lines.answer(part, pair.model === model && model !== null, at >= lastAsked);
    lines.endPair();
  }
  return lines.messages(resultsOf(told));
}

/** All of it but what a filter refused, and what is erased. */
const isTold = ({ status, errorCode }: ToldPair): boolean =>
  status !== 'redacted' && !FILTERED.includes(errorCode ?? '');

/** Its question is left out; results and instructions stand for themselves. */
const hasFailed = (pair: ToldPair): boolean =>
  pair.status === 'failed' && responseParts(pair).every(({ type }) => type === 'reasoning');

const asksSomething = (pair: ToldPair): boolean =>
  questionParts(pair).some(({ type }) => type === 'text' || type === 'file');

/** The path as lines, still without the results of calls. */
class Lines {
  private readonly lines: Line[] = [];
  private askedIn = -1;

  instruct(text: string): void {
    const last = this.lines.at(-1);
    if (last?.role === 'system') last.text += `\n\n${text}`;
    else this.lines.push({ role: 'system', text });
  }

  /** To the question of this turn, behind what was said in it. */
  ask(part: UserPart, pair: number): void {
    const turn = this.lines.findLastIndex(({ role }) => role !== 'system');
    const asked = this.lines[turn];
    const line = asked?.role === 'user' ? asked : { role: 'user' as const, parts: [] };
    if (line === asked) this.lines.splice(turn, 1);
    this.lines.push(line);
    addSaid(line.parts, part, this.askedIn === pair ? '\n' : BETWEEN_QUESTIONS);
    this.askedIn = pair;
  }

  answer(part: ResponsePart, isOwn: boolean, isRunning: boolean): void {
    if (part.type === 'tool_result') this.close();
    else if (part.type === 'text' || part.type === 'file' || part.type === 'tool_call')
      this.add(part);
    else if (part.type === 'refusal') this.add({ type: 'text', text: part.text });
    else if (part.type === 'reasoning' && isOwn && (isRunning || part.opaque !== undefined))
      this.add(part);
  }

  /** What follows a call comes behind its result. */
  endPair(): void {
    const last = this.lastSpoken();
    if (last?.role === 'assistant' && last.parts.some(({ type }) => type === 'tool_call'))
      last.isClosed = true;
  }

  messages(results: ReadonlyMap<ToolCallPart, ToolResultPart>): ModelMessage[] {
    return this.lines.flatMap((line): ModelMessage[] => {
      if (line.role === 'system') return [{ role: 'system', content: line.text }];
      if (line.role === 'user') return [{ role: 'user', content: plain(line.parts) }];
      const calls = line.parts.filter((part) => part.type === 'tool_call');
      const answer = { role: 'assistant' as const, content: plain(line.parts) };
      if (calls.length === 0) return [answer];
      return [answer, { role: 'tool', content: calls.map((call) => resultOf(call, results)) }];
    });
  }

  private add(part: AssistantPart): void {
    const last = this.lastSpoken();
    if (last?.role === 'assistant' && !last.isClosed) last.parts.push(part);
    else this.lines.push({ role: 'assistant', parts: [part], isClosed: false });
  }

  private close(): void {
    const last = this.lastSpoken();
    if (last?.role === 'assistant') last.isClosed = true;
  }

  private lastSpoken(): Line | undefined {
    return this.lines.findLast(({ role }) => role !== 'system');
  }
}

/** Texts that follow each other are one. */
function addSaid(parts: UserPart[], part: UserPart, between: string): void {
  const last = parts.at(-1);
  if (part.type === 'text' && last?.type === 'text')
    parts[parts.length - 1] = { type: 'text', text: `${last.text}${between}${part.text}` };
  else parts.push(part);
}

/** A text alone as what it is. */
function plain<Part extends { type: string }>(parts: Part[]): string | Part[] {
  const texts = parts.filter((part) => part.type === 'text') as unknown as TextPart[];
  return texts.length === parts.length ? texts.map(({ text }) => text).join('\n') : parts;
}

function resultOf(
  call: ToolCallPart,
  results: ReadonlyMap<ToolCallPart, ToolResultPart>,
): NamedResult {
  const { call_id, name } = call;
  const found = results.get(call);
  if (found) return { ...found, name };
  return { type: 'tool_result', call_id, name, output: INTERRUPTED, is_error: true };
}

/**
 * Calls with their results: the first that comes behind the newest call of that id. Some providers
 * use their ids again.
 */
function resultsOf(pairs: readonly ToldPair[]): Map<ToolCallPart, ToolResultPart> {
  const results = new Map<ToolCallPart, ToolResultPart>();
  const open = new Map<string, ToolCallPart>();
  for (const pair of pairs)
    for (const part of [...questionParts(pair), ...responseParts(pair)]) {
      if (part.type === 'tool_call') open.set(part.call_id, part);
      if (part.type !== 'tool_result') continue;
      const call = open.get(part.call_id);
      if (call) results.set(call, part);
      open.delete(part.call_id);
    }
  return results;
}

/**
 * Where a path may be cut: the smallest index from `from` on behind which no result stands whose
 * call stands before it. `pairs.length` where there is none.
 */
export function cutFrom(pairs: readonly ToldPair[], from: number): number {
  const calls = new Map<string, number>();
  const reaches = new Array<number>(pairs.length).fill(-1);
  for (const [at, pair] of pairs.entries())
    for (const part of [...questionParts(pair), ...responseParts(pair)]) {
      if (part.type === 'tool_call') calls.set(part.call_id, at);
      if (part.type !== 'tool_result') continue;
      const call = calls.get(part.call_id);
      if (call !== undefined && call < at) reaches[call] = Math.max(reaches[call]!, at);
      calls.delete(part.call_id);
    }
  let cut = from;
  for (let call = 0; call < cut && call < pairs.length; call++)
    if (reaches[call]! >= cut) cut = reaches[call]! + 1;
  return Math.min(cut, pairs.length);
}
