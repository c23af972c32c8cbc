import { wordsOf } from '../../content/body.js';
import type { Part } from '../../tree/parts.js';
import type { SideTexts } from './search-word-places.js';

/**
 * What is searched and shown of the body of a pair: of each side its text, and the names of its
 * tools and files, a line each.
 */
export function textsOf(body: string): SideTexts {
  const { question, response, question_parts, response_parts } = wordsOf(body) as ReturnType<
    typeof wordsOf
  > & { question_parts?: Part[] | null; response_parts?: Part[] | null };
  return {
    question: linesOf(question, question_parts),
    response: linesOf(response, response_parts),
  };
}

const linesOf = (text: string | null, parts: readonly Part[] | null | undefined): string =>
  [text, ...(parts ?? []).map(nameOf)].filter((line) => line).join('\n');

const nameOf = (part: Part): string | undefined =>
  part.type === 'file' || part.type === 'tool_call' ? part.name : undefined;
