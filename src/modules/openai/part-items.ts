import { exactJson } from '../../common/exact-json.js';
import {
  type FilePart,
  type Part,
  partsOfSide,
  type QuestionPart,
  type ReasoningPart,
  type RefusalPart,
  type ResponsePart,
  type TextPart,
  type ToolCallPart,
  type ToolResultPart,
} from '../../tree/parts.js';
import type { QaPairDto } from '../chat/pair.dto.js';
import { type ItemKind, itemName } from './openai-ids.js';
import type { ItemDto, MessageItemDto } from './response-items.dto.js';
import { sealed } from './sealed-thoughts.js';

export type ItemStatus = MessageItemDto['status'];
type MessageContent = TextPart | FilePart | RefusalPart;

/** A side of a pair as OpenAI's items, in order. */
function questionItems(responseId: string, parts: readonly QuestionPart[]): ItemDto[] {
  return new Items(responseId, 'completed').of(parts, 'question');
}

/**
 * @param status of its last item: the ones before it have ended
 * @param asSummary whether what was thought is shown as a summary
 */
export function answerItems(
  responseId: string,
  parts: readonly ResponsePart[],
  status: ItemStatus,
  asSummary = false,
): ItemDto[] {
  const items = new Items(responseId, 'completed', asSummary).of(parts, 'answer');
  const last = items.at(-1);
  return last ? [...items.slice(0, -1), { ...last, status } as ItemDto] : [];
}

/** The items of a pair's question, in order. */
export const questionItemsOf = (pair: QaPairDto): ItemDto[] =>
  questionItems(pair.response_id, partsOf(pair.question_parts, pair.question));

/** All items of a pair that is there as a whole, in order. */
export const pairItems = (pair: QaPairDto): ItemDto[] => [
  ...questionItemsOf(pair),
  ...answerItems(pair.response_id, partsOf(pair.response_parts, pair.response), 'completed'),
];

/** The parts of a side: its text alone where it has no others. */
export const partsOf = <Some extends Part>(
  parts: Some[] | null,
  text: string | null,
): (Some | TextPart)[] => partsOfSide({ parts, text });

/** The parts of a side without those that are the item of that name; null where there is none. */
export function withoutItem<Some extends Part>(
  responseId: string,
  parts: readonly Some[],
  side: PairSide,
  name: string,
): Some[] | null {
  const runs = new Items(responseId, 'completed').runs(parts, side);
  const found = runs.find(({ item }) => item.id === name);
  return found ? parts.filter((part) => !found.run.includes(part)) : null;
}

type PairSide = 'question' | 'answer';

/** Numbers items by their kind. */
class Items {
  private readonly counts = new Map<ItemKind, number>();

  constructor(
    private readonly responseId: string,
    private readonly status: ItemStatus,
    private readonly asSummary = false,
  ) {}

  of(parts: readonly Part[], side: PairSide): ItemDto[] {
    return this.runs(parts, side).map(({ item }) => item);
  }

  /** With the parts that each of them is. */
  runs(parts: readonly Part[], side: PairSide): { item: ItemDto; run: readonly Part[] }[] {
    return runsOf(parts).map((run) => ({ item: this.one(run, side), run }));
  }

  private one(run: readonly Part[], side: PairSide): ItemDto {
    const [first] = run as [Part];
    if (first.type === 'instruction')
      return this.message('instruction', first.role, [inputText(first.text)]);
    if (first.type === 'tool_call') return this.call(first);
    if (first.type === 'tool_result') return this.result(first);
    if (first.type === 'reasoning') return this.reasoning(first);
    const said = run as MessageContent[];
    return side === 'question'
      ? this.message('question', 'user', said.map(inputContent))
      : {
          ...this.message('answer', 'assistant', said.map(outputContent)),
          ...(phaseOf(said) && { phase: phaseOf(said)! }),
        };
  }

  private name(kind: ItemKind): string {
    const index = this.counts.get(kind) ?? 0;
    this.counts.set(kind, index + 1);
    return itemName(kind, this.responseId, index);
  }

  private message(
    kind: ItemKind,
    role: MessageItemDto['role'],
    content: MessageItemDto['content'],
  ): MessageItemDto {
    return { type: 'message', id: this.name(kind), role, status: this.status, content };
  }

  private call({ call_id, name, input }: ToolCallPart): ItemDto {
    const { status } = this;
    return {
      type: 'function_call',
      id: this.name('call'),
      call_id,
      name,
      arguments: argumentsOf(input),
      status,
    };
  }

  private result({ call_id, output }: ToolResultPart): ItemDto {
    const { status } = this;
    return {
      type: 'function_call_output',
      id: this.name('result'),
      call_id,
      output: outputOf(output),
      status,
    };
  }

  private reasoning({ text, summary, opaque }: ReasoningPart): ItemDto {
    const { status, asSummary } = this;
    return {
      ...{ type: 'reasoning' as const, id: this.name('reasoning'), status },
      ...thoughtOf(asSummary ? '' : text, summary || (asSummary ? text : '')),
      ...(opaque !== undefined && { encrypted_content: sealed(opaque) }),
    };
  }
}

/** What was thought, as the texts of an item. */
const thoughtOf = (text: string, summary: string) => ({
  summary: summary ? [{ type: 'summary_text' as const, text: summary }] : [],
  content: text ? [{ type: 'reasoning_text' as const, text }] : [],
});

/** An item of what is thought, before its first word. */
export const begunThought = (responseId: string, index: number, asSummary: boolean): ItemDto => ({
  ...{ type: 'reasoning', id: itemName('reasoning', responseId, index), status: 'in_progress' },
  summary: asSummary ? [{ type: 'summary_text', text: '' }] : [],
  content: asSummary ? [] : [{ type: 'reasoning_text', text: '' }],
});

/** A message of the assistant, before its first word. */
export const begunMessage = (responseId: string, index: number): ItemDto => ({
  ...{ type: 'message', id: itemName('answer', responseId, index), role: 'assistant' },
  ...{ status: 'in_progress', content: [outputText('')] },
});

/** Parts that are one item together: what is said in a row, in one phase. */
function runsOf(parts: readonly Part[]): Part[][] {
  const runs: Part[][] = [];
  for (const part of parts) {
    if (!isShown(part)) continue;
    const last = runs.at(-1)?.[0];
    if (last && isSaid(last) && isSaid(part) && phaseOf([last]) === phaseOf([part]))
      runs.at(-1)!.push(part);
    else runs.push([part]);
  }
  return runs;
}

/** OpenAI's API has no item for the rest: it is shown by our own. */
const isShown = ({ type }: Part): boolean =>
  type !== 'data' && type !== 'other' && type !== 'source';

const isSaid = (part: Part): part is MessageContent =>
  part.type === 'text' || part.type === 'file' || part.type === 'refusal';

const phaseOf = ([first]: readonly MessageContent[]): TextPart['phase'] =>
  first?.type === 'text' ? first.phase : undefined;

const inputText = (text: string) => ({ type: 'input_text', text });

/** What a user or a tool says. */
function inputContent(part: MessageContent): MessageItemDto['content'][number] {
  if (part.type !== 'file') return inputText(part.text);
  const { file_id, url, name, detail, media_type } = part;
  const bytes = url?.startsWith('data:');
  return media_type.startsWith('image/')
    ? {
        type: 'input_image',
        detail: detail ?? 'auto',
        file_id: file_id ?? null,
        image_url: url ?? null,
      }
    : {
        type: 'input_file',
        ...(file_id ? { file_id } : bytes ? { file_data: url! } : { file_url: url! }),
        ...(name && { filename: name }),
      };
}

function outputContent(part: MessageContent): MessageItemDto['content'][number] {
  if (part.type === 'refusal') return { type: 'refusal', refusal: part.text };
  return part.type === 'file' ? inputContent(part) : outputText(part.text, part.annotations);
}

export const outputText = (text: string, annotations: readonly unknown[] = []) => ({
  type: 'output_text',
  text,
  annotations: [...annotations] as object[],
  logprobs: [],
});

/** A text that was no JSON stays what it was. */
export const argumentsOf = (input: unknown): string =>
  typeof input === 'string' ? input : exactJson(input ?? {});

function outputOf(output: unknown): string | MessageItemDto['content'] {
  if (typeof output === 'string') return output;
  const isParts =
    Array.isArray(output) && output.length > 0 && output.every((part: Part) => isSaid(part));
  return isParts ? (output as MessageContent[]).map(inputContent) : exactJson(output);
}
