import { createHash } from 'node:crypto';
import type { Words } from './content-store.js';

/** The one JSON form of a pair's words: what is hashed, journaled and served verbatim. */
export const bodyOf = ({ question, response, metadata }: Words): string => JSON.stringify({ question, response, metadata });

export const wordsOf = (body: string): Words => JSON.parse(body) as Words;

export const sha256Of = (body: string): Buffer => createHash('sha256').update(body).digest();
