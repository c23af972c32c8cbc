import { exactTwin } from '../../common/exact-json.js';
import { wordsOf } from '../../content/body.js';
import {
  type FilePart,
  type InstructionPart,
  partsOfSide,
  type QuestionPart,
  type ResponsePart,
  type ToolResultPart,
} from '../../tree/parts.js';
import type { Pair } from '../chat/pair.js';

/** What is said in a question, by whom. */
export interface QuestionContent {
  instructions: InstructionPart[];
  results: ToolResultPart[];
  /** By a person. */
  said: Exclude<QuestionPart, InstructionPart | ToolResultPart>[];
}

/** A pair, with its digits for `exactJson`. */
export interface PairParts {
  asked: QuestionContent;
  answered: readonly ResponsePart[];
  /** Whether the answer is a text and nothing else. */
  isPlain: boolean;
  metadata: Record<string, unknown> | null;
}

export function partsOfPair({ body }: Pick<Pair, 'body'>): PairParts {
  const words = wordsOf(body);
  const question = exactTwin(words.question_parts ?? null) as QuestionPart[] | null;
  const response = exactTwin(words.response_parts ?? null) as ResponsePart[] | null;
  return {
    asked: askedIn(partsOfSide({ text: words.question, parts: question })),
    answered: partsOfSide({ text: words.response, parts: response }),
    isPlain: response === null,
    metadata: words.metadata,
  };
}

function askedIn(parts: readonly QuestionPart[]): QuestionContent {
  const asked: QuestionContent = { instructions: [], results: [], said: [] };
  for (const part of parts) {
    if (part.type === 'instruction') asked.instructions.push(part);
    else if (part.type === 'tool_result') asked.results.push(part);
    else asked.said.push(part);
  }
  return asked;
}

/** The files of both sides. */
export const filesIn = ({ asked, answered }: PairParts): FilePart[] =>
  [...asked.said, ...answered].filter((part) => part.type === 'file');

/**
 * Whether an answer is tried again in its place. Whoever has stopped one may want to keep what was
 * there of it.
 */
export function cameToNothing({ status, body }: Pair): boolean {
  if (status === 'failed' || status === 'interrupted') return true;
  const { response, response_parts: parts } = wordsOf(body);
  return status === 'cancelled' && !response && !parts;
}
