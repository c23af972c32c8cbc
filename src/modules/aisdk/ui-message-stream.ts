import { EVENT_STREAM_HEADERS, sentEvent } from '../../runtime/event-stream.js';
import type { AnswerEvent, AnswerStream } from '../answer/answer.js';
import type { UiMetadata } from './ui-metadata.js';

/** Headers of a UI message stream, version 1 (AI SDK 5 to 7). */
export const UI_STREAM_HEADERS = {
  ...EVENT_STREAM_HEADERS,
  'x-vercel-ai-ui-message-stream': 'v1',
} as const;

type UiPart = { type: string } & Record<string, unknown>;

interface StoredPair {
  response_id: string;
  response: string | null;
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
 * An answer as the AI SDK reads it: server-sent events of parts that its majors 6 and 7 both know
 * (an unknown type would end the stream there). The message id is the `response_id`.
 * @param metadataOf asked once, when the pair exists
 */
export async function* uiMessageStream(
  events: AnswerStream,
  metadataOf: (chatId: string, responseId: string) => Promise<UiMetadata | undefined>,
): AsyncGenerator<string> {
  const text = new TextParts();
  for await (const event of events) {
    const metadata =
      event.type === 'accepted' ? await metadataOf(event.chatId, event.responseId) : undefined;
    for (const part of partsOf(event, text, metadata)) yield sentEvent(JSON.stringify(part));
  }
  yield sentEvent('[DONE]');
}

function partsOf(
  event: AnswerEvent,
  text: TextParts,
  messageMetadata: UiMetadata | undefined,
): UiPart[] {
  if (event.type === 'accepted')
    return [
      { type: 'start', messageId: event.responseId, messageMetadata },
      { type: 'start-step' },
    ];
  if (event.type === 'delta') return text.delta(event.responseId, event.delta);
  if (event.type === 'part') return [];
  return [...text.end(JSON.parse(event.json) as StoredPair)];
}

/** The text of one message: opened by its first piece, closed by its end. */
class TextParts {
  private id: string | null = null;

  delta(responseId: string, delta: string): UiPart[] {
    const parts: UiPart[] = this.id === null ? [{ type: 'text-start', id: responseId }] : [];
    this.id = responseId;
    return [...parts, { type: 'text-delta', id: responseId, delta }];
  }

  end(pair: StoredPair): UiPart[] {
    const parts: UiPart[] = [];
    // An answer that was there before anybody followed it has no pieces.
    if (this.id === null && pair.response)
      parts.push(...this.delta(pair.response_id, pair.response));
    if (this.id !== null) parts.push({ type: 'text-end', id: this.id });
    if (pair.status === 'cancelled') return [...parts, { type: 'abort', reason: 'stopped' }];
    if (pair.status !== 'complete')
      return [
        ...parts,
        { type: 'error', errorText: pair.error?.message ?? 'The answer was interrupted.' },
      ];
    const reason = FINISH_REASONS.get(pair.usage?.finish_reason ?? 'stop') ?? 'other';
    return [...parts, { type: 'finish-step' }, { type: 'finish', finishReason: reason }];
  }
}
