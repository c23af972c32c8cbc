import { bodyOf, sha256Of, wordsOf } from '../body.js';
import type { StoredQaPair } from './chat-contents.schema.js';
import { fromStored, toStored } from './stored-json.js';

/** The words of an element of a bucket. What a plain pair has not is not there. */
export type StoredWords = Pick<
  StoredQaPair,
  'question' | 'response' | 'metadata' | 'question_parts' | 'response_parts' | 'settings'
>;

export function storedWordsOf(body: string): StoredWords {
  const { question, response, metadata, question_parts, response_parts, settings } = wordsOf(body);
  return {
    question,
    response,
    metadata: toStored(metadata),
    ...(question_parts && { question_parts: toStored(question_parts)! }),
    ...(response_parts && { response_parts: toStored(response_parts)! }),
    ...(settings && { settings: toStored(settings)! }),
  };
}

/** They in the one form that is hashed. */
export function bodyOfStored(stored: StoredWords): { body: string; sha256: Buffer } {
  const { question, response, metadata, question_parts, response_parts, settings } = stored;
  const body = bodyOf({
    question,
    response,
    metadata: fromStored(metadata),
    question_parts: fromStored(question_parts ?? null),
    response_parts: fromStored(response_parts ?? null),
    settings: fromStored(settings ?? null),
  });
  return { body, sha256: sha256Of(body) };
}
