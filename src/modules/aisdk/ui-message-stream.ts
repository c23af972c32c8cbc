import { exactJson } from '../../common/exact-json.js';
import { readPair } from '../../content/body.js';
import { EVENT_STREAM_HEADERS, sentEvent } from '../../runtime/event-stream.js';
import { isGrowing } from '../../tree/part-pieces.js';
import {
  type FilePart,
  partsOfSide,
  type ResponsePart,
  type ToolResultPart,
} from '../../tree/parts.js';
import type { AnswerEvent, AnswerStream } from '../answer/answer.js';
import type { UrlOf } from '../client-chat/client-files.service.js';
import { StepChunks } from './ui-chunks.js';
import type { UiMetadata } from './ui-metadata.js';
import type { UiPart } from './ui-parts.js';

/** Headers of a UI message stream, version 1 (AI SDK 5 to 7). */
export const UI_STREAM_HEADERS = {
  ...EVENT_STREAM_HEADERS,
  'x-vercel-ai-ui-message-stream': 'v1',
} as const;

/** A turn that is over. */
export interface UiStep {
  responseId: string;
  answered: readonly ResponsePart[];
  /** Those that were sent for its calls since. */
  results: readonly ToolResultPart[];
}

/** The message that an answer is told in. */
export interface UiMessageHead {
  /** Its id, where it has begun before: the `response_id` of its first pair. */
  id?: string;
  /** What the client does not have any more, or had never: its steps until now. */
  earlier?: readonly UiStep[];
}

/** An answer, and the message that it is told in. */
export interface UiAnswer {
  events: AnswerStream;
  head: UiMessageHead;
}

/** What is asked while an answer is told. */
export interface UiSurroundings {
  /** Where the pair of a message stands; asked once, when it exists. */
  metadataOf: (chatId: string, responseId: string) => Promise<Partial<UiMetadata> | undefined>;
  urlsOf: (files: readonly FilePart[]) => Promise<UrlOf>;
}

interface StoredPair {
  response_id: string;
  response: string | null;
  response_parts: ResponsePart[] | null;
  status: string;
  error?: { message: string };
  usage: { finish_reason?: string } | null;
}

/** Why answers end, as the AI SDK calls it; what it does not know is `other`. */
const FINISH_REASONS = new Map([
  ['stop', 'stop'],
  ['length', 'length'],
  ['content_filter', 'content-filter'],
  ['tool_calls', 'tool-calls'],
  ['error', 'error'],
]);

/**
 * An answer as the AI SDK reads it: server-sent events of the chunks of one message. The message id
 * is the `response_id`, of the first pair where it has several.
 */
export async function* uiMessageStream(
  { events, head }: UiAnswer,
  around: UiSurroundings,
): AsyncGenerator<string> {
  const chunks = new MessageChunks(head, around);
  for await (const event of events)
    for (const chunk of await chunks.of(event)) yield sentEvent(exactJson(chunk));
  yield sentEvent('[DONE]');
}

class MessageChunks {
  private urls: UrlOf = () => '';
  private step = this.stepOf('');
  private hasBegun = false;

  constructor(
    private readonly head: UiMessageHead,
    private readonly around: UiSurroundings,
  ) {}

  async of(event: AnswerEvent): Promise<UiPart[]> {
    switch (event.type) {
      case 'accepted':
        return this.begin(event.chatId, event.responseId);
      case 'delta':
        return this.step.delta(event.delta);
      case 'part':
        if (!isGrowing(event.part)) await this.look([event.part]);
        return this.step.piece(event.part);
      default:
        return this.finish(event.json);
    }
  }

  private async begin(chatId: string, responseId: string): Promise<UiPart[]> {
    const { id = responseId, earlier = [] } = this.head;
    const messageMetadata = await this.around.metadataOf(chatId, id);
    await this.look(earlier.flatMap(({ answered }) => answered));
    const steps = earlier.flatMap((step) => stepChunks(step, this.stepOf(step.responseId)));
    this.step = this.stepOf(responseId);
    this.hasBegun = true;
    return [{ type: 'start', messageId: id, messageMetadata }, ...steps, { type: 'start-step' }];
  }

  private async finish(json: string): Promise<UiPart[]> {
    const pair = readPair<StoredPair>(json);
    const parts = partsOfSide({ text: pair.response, parts: pair.response_parts });
    // Of an answer that was there already nothing may be known but its end.
    const beginning = this.hasBegun ? [] : this.beginNow(pair.response_id);
    // An answer that was there before anybody followed it has no pieces.
    const missing = this.step.isEmpty ? await this.whole(parts) : [];
    const told = [...beginning, ...missing, ...this.step.end()];
    if (pair.status === 'cancelled') return [...told, { type: 'abort', reason: 'stopped' }];
    if (pair.status !== 'complete') {
      const errorText = pair.error?.message ?? 'The answer was interrupted.';
      return [...told, { type: 'error', errorText }];
    }
    const finishReason = finishReasonOf(pair, parts);
    return [...told, { type: 'finish-step' }, { type: 'finish', finishReason }];
  }

  private beginNow(responseId: string): UiPart[] {
    this.step = this.stepOf(responseId);
    return [{ type: 'start', messageId: this.head.id ?? responseId }, { type: 'start-step' }];
  }

  private async whole(parts: readonly ResponsePart[]): Promise<UiPart[]> {
    await this.look(parts);
    return parts.flatMap((part) => this.step.piece(part));
  }

  /** Finds out where the files among some parts are. */
  private async look(parts: readonly ResponsePart[]): Promise<void> {
    const files = parts.filter((part) => part.type === 'file');
    if (files.length > 0) this.urls = await this.around.urlsOf(files);
  }

  private stepOf(name: string): StepChunks {
    return new StepChunks(name, (file) => this.urls(file));
  }
}

function finishReasonOf({ usage }: StoredPair, parts: readonly ResponsePart[]): string {
  const waits = parts.some((part) => part.type === 'tool_call' && !part.provider_executed);
  const reason = usage?.finish_reason ?? (waits ? 'tool_calls' : 'stop');
  return FINISH_REASONS.get(reason) ?? 'other';
}

function stepChunks({ answered, results }: UiStep, step: StepChunks): UiPart[] {
  return [
    { type: 'start-step' },
    ...answered.flatMap((part) => step.part(part)),
    ...results.flatMap((result) => step.result(result)),
    ...step.end(),
    { type: 'finish-step' },
  ];
}
