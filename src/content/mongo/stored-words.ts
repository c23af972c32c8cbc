import { exactJson } from '../../common/exact-json.js';
import { bodyOf, isPlainBody, sha256Of, wordsOf } from '../body.js';
import type { StoredQaPair } from './chat-contents.schema.js';
import type { ChatParts } from './chat-parts.schema.js';
import { fromStored, toStored } from './stored-json.js';

/** The words of an element of a bucket. What a plain pair has not is not there. */
export type StoredWords = Pick<
  StoredQaPair,
  | 'question'
  | 'response'
  | 'metadata'
  | 'question_parts'
  | 'response_parts'
  | 'settings'
  | 'parts_apart'
>;
export type ApartWords = Pick<ChatParts, 'question_parts' | 'response_parts' | 'settings'>;

/**
 * Of the JSON of what a pair has besides its texts; more goes into a document of its own. So a
 * bucket of 32 pairs with the longest texts (128 KiB and 256 KiB), metadata (16 KiB) and branches
 * stays under 13 MiB of the 16 that MongoDB takes, whatever they are made of.
 */
export const PARTS_INLINE_MAX = 8 * 1024;

/** The words for an element, and those that go into a document of their own. */
export function storedWordsOf(body: string): { element: StoredWords; apart: ApartWords | null } {
  const { question, response, metadata, question_parts, response_parts, settings } = wordsOf(body);
  const texts = { question, response, metadata: toStored(metadata) };
  if (isPlainBody(body)) return { element: texts, apart: null };
  const apart = {
    question_parts: jsonOf(question_parts),
    response_parts: jsonOf(response_parts),
    settings: jsonOf(settings),
  };
  const bytes = Object.values(apart).reduce((sum, json) => sum + Buffer.byteLength(json ?? ''), 0);
  if (bytes > PARTS_INLINE_MAX) return { element: { ...texts, parts_apart: true }, apart };
  const element = {
    ...texts,
    ...(question_parts && { question_parts: toStored(question_parts)! }),
    ...(response_parts && { response_parts: toStored(response_parts)! }),
    ...(settings && { settings: toStored(settings)! }),
  };
  return { element, apart: null };
}

const jsonOf = (value: object | null | undefined): string | null =>
  value ? exactJson(value) : null;

/** They in the one form that is hashed. What is kept apart is given besides. */
export function bodyOfStored(
  stored: StoredWords,
  apart: ApartWords | undefined,
): { body: string; sha256: Buffer } {
  const { question, response, metadata } = stored;
  const { question_parts, response_parts, settings } = stored.parts_apart ? (apart ?? {}) : stored;
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
