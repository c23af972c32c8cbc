import { hash } from 'node:crypto';
import { exactJson, rememberMembers } from '../common/exact-json.js';
import type { Words } from './content-store.js';

/** With what the body of a pair begins that is more than two texts. */
const RICH = '{"question_parts":';
/** What keeps the digits of its numbers. */
const EXACT = ['metadata', 'question_parts', 'response_parts', 'settings'] as const;

/**
 * The one JSON form of a pair's words: what is hashed, journaled and served verbatim. Two texts
 * have the form that they always had, so that their hashes stay.
 */
export function bodyOf(words: Words): string {
  const { question, response, metadata } = words;
  const { question_parts = null, response_parts = null, settings = null } = words;
  const texts = `"question":${JSON.stringify(question)},"response":${JSON.stringify(response)},"metadata":${exactJson(metadata)}}`;
  if (question_parts === null && response_parts === null && settings === null) return `{${texts}`;
  return `${RICH}${exactJson(question_parts)},"response_parts":${exactJson(response_parts)},"settings":${exactJson(settings)},${texts}`;
}

/** Whether a body has nothing but two texts and metadata. */
export const isPlainBody = (body: string): boolean => !body.startsWith(RICH);

/** What of them is read out of JSON is written with all digits of its numbers, wherever it goes. */
export const wordsOf = (body: string): Words => readPair<Words>(body);

/** The same of the JSON of a whole pair, as it is told. */
export function readPair<Told extends object>(json: string): Told {
  const pair = JSON.parse(json) as Told;
  rememberMembers(pair, json, EXACT);
  return pair;
}

export const sha256Of = (body: string): Buffer => hash('sha256', body, 'buffer');
