import type { ModelPart } from '../../llm/language-model.js';
import type { QaPairDto } from '../chat/pair.dto.js';
import type { AnswerStream } from '../answer/answer.js';
import { sentEvent } from '../../runtime/event-stream.js';
import {
  answerItem,
  BEGUN,
  type ResponseHead,
  responseOf,
  type ResponseState,
  statusOf,
  textPart,
} from './response-wire.js';

/** The events before the text have the numbers 0 to 3. */
const TEXT_BEGINS = 3;
const LAST = { completed: 'response.completed', failed: 'response.failed' } as const;

/**
 * A response as the server-sent events of OpenAI. Their numbers follow from the text alone: a piece
 * of it has the number of the place where it ends (in UTF-16 code units, and 3). So any instance,
 * at any time, knows what comes behind a number, however the text was cut before.
 */
export class ResponseEvents {
  /** Code units of the text that were told. */
  private told = 0;

  /** @param after the number of the last event that the reader has; -1 when he has none */
  constructor(
    private readonly head: ResponseHead,
    private readonly after = -1,
  ) {}

  begin(): string {
    const response = responseOf(this.head, BEGUN);
    return (
      this.event(0, 'response.created', { response }) +
      this.event(1, 'response.in_progress', { response })
    );
  }

  /** A further piece of the answer. */
  delta(piece: string): string {
    const opening = this.told === 0 ? this.open() : '';
    // Of a piece that the reader has in part, the rest.
    const rest = piece.slice(Math.max(0, this.after - TEXT_BEGINS - this.told));
    this.told += piece.length;
    return (
      opening +
      this.event(TEXT_BEGINS + this.told, 'response.output_text.delta', {
        ...this.place(),
        delta: rest,
        logprobs: [],
      })
    );
  }

  /**
   * The end, with what was not told yet. Its last event is told to everybody: a reader may have
   * more than an interrupted answer kept.
   */
  end(state: ResponseState): string {
    const missing = state.text?.slice(this.told) ?? '';
    const rest = missing === '' ? '' : this.delta(missing);
    const at = TEXT_BEGINS + this.told;
    const status = statusOf(state);
    const type =
      status === 'completed' || status === 'failed' ? LAST[status] : 'response.incomplete';
    const closing = this.told > 0 && state.text ? this.close(at, state) : '';
    return rest + closing + frame(type, at + 4, { response: responseOf(this.head, state) });
  }

  private open(): string {
    const item = answerItem(this.head.responseId, BEGUN);
    return (
      this.event(2, 'response.output_item.added', { output_index: 0, item }) +
      this.event(3, 'response.content_part.added', { ...this.place(), part: textPart('') })
    );
  }

  private close(at: number, state: ResponseState): string {
    const text = state.text!;
    return (
      this.event(at + 1, 'response.output_text.done', { ...this.place(), text, logprobs: [] }) +
      this.event(at + 2, 'response.content_part.done', { ...this.place(), part: textPart(text) }) +
      this.event(at + 3, 'response.output_item.done', {
        output_index: 0,
        item: answerItem(this.head.responseId, state),
      })
    );
  }

  private place(): { item_id: string; output_index: number; content_index: number } {
    return {
      item_id: answerItem(this.head.responseId, BEGUN).id,
      output_index: 0,
      content_index: 0,
    };
  }

  private event(number: number, type: string, fields: object): string {
    return number > this.after ? frame(type, number, fields) : '';
  }
}

const frame = (type: string, number: number, fields: object): string =>
  sentEvent(JSON.stringify({ type, sequence_number: number, ...fields }), type);

/** A pair as the state of a response. */
export const stateOf = ({ status, response, usage, error, model }: QaPairDto): ResponseState => ({
  status,
  text: response,
  usage,
  error: error ?? null,
  model,
});

/** The events of an answer that is kept. */
export async function* keptEvents(
  head: ResponseHead,
  answer: AnswerStream,
  after?: number,
): AsyncGenerator<string> {
  const events = new ResponseEvents(head, after);
  yield events.begin();
  for await (const event of answer) {
    if (event.type === 'delta') yield events.delta(event.delta);
    else if (event.type === 'completed' || event.type === 'failed')
      yield events.end(stateOf(JSON.parse(event.json) as QaPairDto));
  }
}

/** What a model said, as far as it has. */
export function stateAfter(part: Extract<ModelPart, { type: 'end' }>, text: string): ResponseState {
  const cut = part.finishReason === 'stop' ? {} : { finish_reason: part.finishReason };
  return {
    status: 'complete',
    text,
    usage: { ...part.usage, ...cut },
    error: null,
    model: part.model,
  };
}
