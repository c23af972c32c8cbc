import { readPair } from '../../content/body.js';
import type { AnswerEnd, AnswerStream } from '../answer/answer.js';
import type { QaPairDto } from '../chat/pair.dto.js';
import { sentEvent } from '../../runtime/event-stream.js';
import type { ResponsePart } from '../../tree/parts.js';
import { type GrowingPart, isGrowing, type PartPiece } from '../../tree/part-pieces.js';
import { ItemEvents, type ResponseEvent, STRIDE } from './item-events.js';
import { itemName } from './openai-ids.js';
import { answerItems, begunMessage, begunThought } from './part-items.js';
import type { CallItemDto, ItemDto } from './response-items.dto.js';
import {
  BEGUN,
  type ResponseHead,
  responseOf,
  type ResponseState,
  showsSummary,
  stateOf,
  statusOf,
} from './response-wire.js';

/** Created and in progress come before the first item. */
const ITEMS_BEGIN = 2;
const CALL = ['call', 'function_call'] as const;
const THOUGHT = ['reasoning', 'reasoning'] as const;

/**
 * A response as the events of OpenAI. Their numbers follow from the answer alone: each item has a
 * block of them, and in it a piece of text has the number of the place where it ends (in UTF-16
 * code units). So any instance, at any time, knows what comes behind a number, however the text was
 * cut before.
 */
export class ResponseEvents {
  private readonly items: ItemEvents[] = [];

  /** @param after the number of the last event that the reader has; -1 when he has none */
  constructor(
    private readonly head: ResponseHead,
    private readonly after = -1,
  ) {}

  begin(): ResponseEvent[] {
    const response = responseOf(this.head, BEGUN);
    return ['response.created', 'response.in_progress']
      .map((type, sequence_number) => ({ type, sequence_number, response }))
      .filter(({ sequence_number }) => sequence_number > this.after);
  }

  /** A further piece of what is said, or of what is thought. */
  delta(piece: string, type: 'text' | 'reasoning' = 'text'): ResponseEvent[] {
    const begun = this.begunOf(type);
    const growing = this.growing(begun.type);
    if (growing) return growing.grow(piece);
    const [item, events] = this.begun(begun);
    return [...events, ...item.grow(piece)];
  }

  /** A further piece of something else, or a part that is whole. */
  piece(piece: PartPiece): ResponseEvent[] {
    if (!isGrowing(piece)) return this.whole(piece);
    return piece.type === 'reasoning' ? this.delta(piece.delta, 'reasoning') : this.call(piece);
  }

  /** Calls and thoughts are told when they are done; the rest comes with the end. */
  private whole(part: ResponsePart): ResponseEvent[] {
    if (part.type !== 'tool_call' && part.type !== 'reasoning') return [];
    const { responseId, settings } = this.head;
    const [made] = answerItems(responseId, [part], 'completed', showsSummary(settings)) as [
      ItemDto,
    ];
    const known = part.type === 'tool_call' ? this.callOf(part.call_id) : this.growing('reasoning');
    if (known?.isClosed) return [];
    if (known) return known.close({ ...made, id: known.begun.id });
    const [kind, type] = part.type === 'tool_call' ? CALL : THOUGHT;
    const item = { ...made, id: itemName(kind, responseId, this.count(type)) };
    const [begun, events] = this.begun(item);
    return [...events, ...begun.close(item)];
  }

  private call({ call_id, name, delta }: Extract<GrowingPart, { name: string }>): ResponseEvent[] {
    const known = this.callOf(call_id);
    if (known) return known.isClosed ? [] : known.grow(delta);
    const id = itemName('call', this.head.responseId, this.count('function_call'));
    const [item, events] = this.begun({
      ...{ type: 'function_call', id, call_id, name },
      ...{ arguments: '', status: 'in_progress' },
    });
    return [...events, ...(delta === '' ? [] : item.grow(delta))];
  }

  /**
   * The end, with what was not told yet. Its last event is told to everybody: a reader may have
   * more than an interrupted answer kept.
   */
  end(state: ResponseState): ResponseEvent[] {
    const response = responseOf(this.head, state);
    const rest = response.output.flatMap((item, at) => {
      const told = this.items[at];
      if (told && told.begun.type !== item.type) return [];
      if (told) return told.isClosed ? [] : told.close(item);
      const [begun, events] = this.begun(begunAs(item), false);
      return [...events, ...begun.close(item)];
    });
    const status = statusOf(state);
    const type = status === 'completed' || status === 'failed' ? status : 'incomplete';
    const number = ITEMS_BEGIN + Math.max(this.items.length, response.output.length) * STRIDE;
    return [...rest, { type: `response.${type}`, sequence_number: number, response }];
  }

  /** What was said or thought before another item begins is whole; calls may be made together. */
  private begun(begun: ItemDto, closes = true): [ItemEvents, ResponseEvent[]] {
    const last = this.items.at(-1);
    const closing = closes && last && !last.isClosed && last.begun.type !== 'function_call';
    const outputIndex = this.items.length;
    const stage = { outputIndex, base: ITEMS_BEGIN + outputIndex * STRIDE, after: this.after };
    const item = new ItemEvents(stage, begun);
    this.items.push(item);
    return [item, [...(closing ? last.close(wholeOf(last)) : []), ...item.open()]];
  }

  private begunOf(type: 'text' | 'reasoning'): ItemDto {
    const { responseId, settings } = this.head;
    return type === 'text'
      ? begunMessage(responseId, this.count('message'))
      : begunThought(responseId, this.count('reasoning'), showsSummary(settings));
  }

  /** The last item, if it is of that type and may go on. */
  private growing(type: ItemDto['type']): ItemEvents | undefined {
    const last = this.items.at(-1);
    return last?.begun.type === type && !last.isClosed ? last : undefined;
  }

  private callOf(callId: string): ItemEvents | undefined {
    return this.items.find(({ begun }) => (begun as CallItemDto).call_id === callId);
  }

  /** How many items of a type have begun. */
  private count(type: ItemDto['type']): number {
    return this.items.filter(({ begun }) => begun.type === type).length;
  }
}

/** An item without the text that is told of it. */
function begunAs(item: ItemDto): ItemDto {
  if (item.type === 'function_call') return { ...item, arguments: '' };
  return item;
}

/** A message or a thought as far as it was told. */
function wholeOf({ begun, text }: ItemEvents): ItemDto {
  const filled = <Part extends object>(parts: readonly Part[]): Part[] =>
    parts.map((part, at) => (at === 0 ? { ...part, text } : part));
  if (begun.type === 'message')
    return { ...begun, status: 'completed', content: filled(begun.content) };
  if (begun.type !== 'reasoning') return begun;
  const { summary, content = [] } = begun;
  return { ...begun, status: 'completed', summary: filled(summary), content: filled(content) };
}

/** Events as server-sent events. */
export async function* sentEvents(
  events: AsyncIterable<readonly ResponseEvent[]>,
): AsyncGenerator<string> {
  for await (const some of events)
    yield some.map((event) => sentEvent(JSON.stringify(event), event.type)).join('');
  yield sentEvent('[DONE]');
}

/** The events of an answer that is kept. @param endedAt finds when it ended, once it has */
export async function* keptEvents(
  head: ResponseHead,
  answer: AnswerStream,
  endedAt: (end: AnswerEnd) => Promise<number | null>,
  after?: number,
): AsyncGenerator<ResponseEvent[]> {
  const events = new ResponseEvents(head, after);
  yield events.begin();
  for await (const event of answer) {
    if (event.type === 'delta') yield events.delta(event.delta);
    else if (event.type === 'part') yield events.piece(event.part);
    else if (event.type !== 'accepted')
      yield events.end(stateOf(readPair<QaPairDto>(event.json), await endedAt(event)));
  }
}
