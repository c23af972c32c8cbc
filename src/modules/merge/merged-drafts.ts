import { exactEntries, readExact } from '../../common/exact-json.js';
import { wordsOf } from '../../content/body.js';
import type { Pair } from '../chat/pair.js';
import { type Draft, saidBeside } from '../message/append.service.js';
import type { Sources } from './merge-sources.js';

/** A pair to be made, and the pairs that it comes from. */
export interface MergedDraft {
  draft: Draft;
  sources: string[];
}

/** A pair as it was said there. How it was asked for stays there. */
export function copyOf({ from }: Pick<Sources, 'from'>, pair: Pair): MergedDraft {
  const { question, response, question_parts, response_parts, metadata } = wordsOf(pair.body);
  const sources = [pair.responseId];
  const said = {
    ...{ question, question_parts, ...saidBeside(pair) },
    metadata: withOrigin(metadata, from.chat_id, sources),
  };
  return { draft: { said, response, response_parts }, sources };
}

/** One pair that says what came of them. */
export function summaryOf(
  { from, pairs }: Pick<Sources, 'from' | 'pairs'>,
  text: string,
): MergedDraft {
  const sources = pairs.map(({ responseId }) => responseId);
  const said = {
    question: from.name === null ? 'What came of the branch?' : `What came of “${from.name}”?`,
    metadata: withOrigin(null, from.chat_id, sources),
  };
  return { draft: { said, response: text }, sources };
}

/** Metadata keep all digits of their numbers. */
function withOrigin(
  metadata: Record<string, unknown> | null,
  chatId: string,
  responseIds: readonly string[],
): Record<string, unknown> {
  const kept = exactEntries(metadata ?? {}).filter(([key]) => key !== 'merged_from');
  const origin = JSON.stringify({ chat_id: chatId, response_ids: responseIds });
  const members = [...kept, ['merged_from', origin]].map(
    ([key, json]) => `${JSON.stringify(key)}:${json}`,
  );
  return readExact(`{${members.join(',')}}`);
}
