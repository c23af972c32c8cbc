import { createHash } from 'node:crypto';
import { exactJson, rememberDigits } from '../common/exact-json.js';
import type { Words } from './content-store.js';

/** The one JSON form of a pair's words: what is hashed, journaled and served verbatim. */
export const bodyOf = ({ question, response, metadata }: Words): string =>
  `{"question":${JSON.stringify(question)},"response":${JSON.stringify(response)},"metadata":${exactJson(metadata)}}`;

/** Its metadata go back into a body with all digits of their numbers; a copy of them would not. */
export function wordsOf(body: string): Words {
  const words = JSON.parse(body) as Words;
  rememberDigits(words.metadata, body, 'metadata');
  return words;
}

export const sha256Of = (body: string): Buffer => createHash('sha256').update(body).digest();
