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
import { isSpeakerName, type SaidPart, spokenBy } from './speakers.js';

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
  /** Who asks, or gives instructions where there is nothing else; null where nobody says it. */
  author?: string | null;
  /** The same of the response, where it is told by a client. */
  speaker?: string | null;
}

type UserPart = TextPart | FilePart;
type AssistantPart = TextPart | ReasoningPart | ToolCallPart | FilePart;
type Line =
  | { role: 'system'; text: string; name: string | null }
  | { role: 'user'; said: SaidPart<UserPart>[] }
  | { role: 'assistant'; said: SaidPart<AssistantPart>[]; isClosed: boolean };

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
 * own form always, as a text while its tools run. Who speaks is told as the name of the message, or
 * in front of the words of a message that several people say together.
 * @param model that is asked, by its id
 */
export function messagesOf(
  systemPrompt: string | null,
  pairs: readonly ToldPair[],
  model: string | null = null,
): ModelMessage[] {
  const told = pairs.filter(isTold);
  const lines = new Lines();
  if (systemPrompt !== null) lines.instruct(systemPrompt, null);
  const lastAsked = told.findLastIndex(asksSomething);
  for (const [at, pair] of told.entries()) {
    tellQuestion(lines, pair, at);
    const isOwn = pair.model === model && model !== null;
    const by = pair.speaker ?? null;
    for (const part of responseParts(pair))
      if (isForModel(part, isOwn, at >= lastAsked)) lines.answer({ part, by });
    lines.endPair();
  }
  return lines.messages(resultsOf(told));
}

function tellQuestion(lines: Lines, pair: ToldPair, at: number): void {
  const isLeftOut = hasFailed(pair);
  const by = pair.author ?? null;
  for (const part of questionParts(pair)) {
    if (part.type === 'instruction') lines.instruct(part.text, instructorOf(pair));
    else if ((part.type === 'text' || part.type === 'file') && !isLeftOut)
      lines.ask({ part, by }, at);
  }
}

/** All of it but what a filter refused, and what is erased. */
const isTold = ({ status, errorCode }: ToldPair): boolean =>
  status !== 'redacted' && !FILTERED.includes(errorCode ?? '');

/** Its question is left out; results and instructions stand for themselves. */
const hasFailed = (pair: ToldPair): boolean =>
  pair.status === 'failed' && responseParts(pair).every(({ type }) => type === 'reasoning');

function instructorOf(pair: ToldPair): string | null {
  const isAlone = questionParts(pair).every(({ type }) => type === 'instruction');
  return isAlone && pair.author && isSpeakerName(pair.author) ? pair.author : null;
}

/** Thoughts are for the model alone that had them. */
const isForModel = (part: ResponsePart, isOwn: boolean, isRunning: boolean): boolean =>
  part.type !== 'reasoning' || (isOwn && (isRunning || part.opaque !== undefined));

const asksSomething = (pair: ToldPair): boolean =>
  questionParts(pair).some(({ type }) => type === 'text' || type === 'file');

/** The path as lines, still without the results of calls. */
class Lines {
  private readonly lines: Line[] = [];
  private askedIn = -1;

  instruct(text: string, name: string | null): void {
    const last = this.lines.at(-1);
    if (last?.role === 'system' && last.name === name) last.text += `\n\n${text}`;
    else this.lines.push({ role: 'system', text, name });
  }

  /** To the question of this turn, behind what was said in it. */
  ask(one: SaidPart<UserPart>, pair: number): void {
    const turn = this.lines.findLastIndex(({ role }) => role !== 'system');
    const asked = this.lines[turn];
    const line = asked?.role === 'user' ? asked : { role: 'user' as const, said: [] };
    if (line === asked) this.lines.splice(turn, 1);
    this.lines.push(line);
    addSaid(line.said, one, this.askedIn === pair ? '\n' : BETWEEN_QUESTIONS);
    this.askedIn = pair;
  }

  answer({ part, by }: SaidPart<ResponsePart>): void {
    if (part.type === 'tool_result') this.close();
    else if (part.type === 'refusal') this.add({ part: { type: 'text', text: part.text }, by });
    else if (part.type !== 'source' && part.type !== 'data' && part.type !== 'other')
      this.add({ part, by });
  }

  /** What follows a call comes behind its result. */
  endPair(): void {
    const last = this.lastSpoken();
    if (last?.role === 'assistant' && last.said.some(({ part }) => part.type === 'tool_call'))
      last.isClosed = true;
  }

  messages(results: ReadonlyMap<ToolCallPart, ToolResultPart>): ModelMessage[] {
    const areMany = this.areManyAsking();
    const messages: ModelMessage[] = [];
    for (const line of this.lines) {
      if (line.role === 'system') {
        const { text: content, name } = line;
        messages.push({ role: 'system', content, ...(name && { name }) });
      } else if (line.role === 'user') {
        const { parts, ...named } = spokenBy<UserPart>(line.said, areMany, textPart);
        messages.push({ role: 'user', content: plain(joined(parts)), ...named });
      } else {
        const { parts, ...named } = spokenBy<AssistantPart>(line.said, areMany, textPart);
        const calls = parts.filter((part) => part.type === 'tool_call');
        messages.push({ role: 'assistant', content: plain(parts), ...named });
        if (calls.length > 0)
          messages.push({ role: 'tool', content: calls.map((call) => resultOf(call, results)) });
      }
    }
    return messages;
  }

  /** Whether not all questions are of the same person, or of nobody who is named. */
  private areManyAsking(): boolean {
    let first: SaidPart<UserPart> | undefined;
    for (const line of this.lines) {
      if (line.role !== 'user') continue;
      first ??= line.said[0];
      if (line.said.some(({ by }) => by !== first!.by)) return true;
    }
    return false;
  }

  private add(one: SaidPart<AssistantPart>): void {
    const last = this.lastSpoken();
    if (last?.role === 'assistant' && !last.isClosed) last.said.push(one);
    else this.lines.push({ role: 'assistant', said: [one], isClosed: false });
  }

  private close(): void {
    const last = this.lastSpoken();
    if (last?.role === 'assistant') last.isClosed = true;
  }

  private lastSpoken(): Line | undefined {
    return this.lines.findLast(({ role }) => role !== 'system');
  }
}

const textPart = (text: string): TextPart => ({ type: 'text', text });

/** Texts of one person that follow each other are one. */
function addSaid(
  said: SaidPart<UserPart>[],
  { part, by }: SaidPart<UserPart>,
  between: string,
): void {
  const last = said.at(-1);
  if (part.type === 'text' && last?.part.type === 'text' && last.by === by)
    last.part = textPart(`${last.part.text}${between}${part.text}`);
  else said.push({ part, by });
}

/** Texts of several people that follow each other are one too. */
function joined(parts: readonly UserPart[]): UserPart[] {
  const made: UserPart[] = [];
  for (const part of parts) {
    const last = made.at(-1);
    if (part.type === 'text' && last?.type === 'text')
      made[made.length - 1] = textPart(`${last.text}${BETWEEN_QUESTIONS}${part.text}`);
    else made.push(part);
  }
  return made;
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
