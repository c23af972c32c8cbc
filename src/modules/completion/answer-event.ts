import type { ContentState } from '../../content/journal.js';

/** What is told of an answer while it is written: first `accepted` (but not to whoever resumes), last `completed` or `failed`. */
export type AnswerEvent =
  | {
      type: 'accepted';
      generationId: string | null;
      responseId: string;
      chatId: string;
      rootChatId: string;
      seq: number;
      parentResponseId: string | null;
      model: string | null;
    }
  | { type: 'delta'; generationId: string; responseId: string; n: number; delta: string }
  | AnswerEnd;

/** How it ended: the JSON of the stored pair (`QaPairDto`). An answer that was stopped is completed too. */
export interface AnswerEnd {
  type: 'completed' | 'failed';
  json: string;
  /** Null when nobody here knows. */
  contentState: ContentState | null;
}

/** Leaving the iteration never ends the answer. */
export type AnswerStream = AsyncIterable<AnswerEvent>;

/** The end of an answer as it is told. */
export function endOf(json: string, status: string, contentState: ContentState | null = null): AnswerEnd {
  return { type: status === 'failed' || status === 'interrupted' ? 'failed' : 'completed', json, contentState };
}

/** Reads to the end. */
export async function lastOf(events: AnswerStream): Promise<AnswerEnd> {
  for await (const event of events) if (event.type === 'completed' || event.type === 'failed') return event;
  throw new Error('an answer has no end');
}
