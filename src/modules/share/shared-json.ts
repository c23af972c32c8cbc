import { exactJson } from '../../common/exact-json.js';
import { wordsOf } from '../../content/body.js';
import type { Part } from '../../tree/parts.js';
import type { Pair } from '../chat/pair.js';
import type { SharedPage } from './share.service.js';

/** A pair as strangers see it. */
export interface SharedPair {
  pair: Pair;
  question: string | null;
  response: string | null;
  /** Null where one text is all there is. */
  questionParts: readonly Part[] | null;
  responseParts: readonly Part[] | null;
  /** JSON, with all digits. */
  metadata: string;
}

/**
 * What was said. Instructions are said to the model and not to readers, and what a provider wants
 * back unread is nobody's to read.
 */
export function sharedPair(pair: Pair): SharedPair {
  const { question, response, question_parts, response_parts, metadata } = wordsOf(pair.body);
  return {
    ...{ pair, question, response, metadata: exactJson(metadata) },
    questionParts: shownOf(question_parts ?? null),
    responseParts: shownOf(response_parts ?? null),
  };
}

function shownOf(parts: readonly Part[] | null): readonly Part[] | null {
  return (
    parts &&
    parts
      .filter(({ type }) => type !== 'instruction')
      .map((part) => (part.type === 'reasoning' ? { ...part, opaque: undefined } : part))
  );
}

/** A `SharedDto`. */
export function sharedJson({ share, pairs, nextCursor }: SharedPage): string {
  const { name, last_seq, expires_at, created_at } = share;
  const head = JSON.stringify({
    name,
    follow: last_seq === null,
    expires_at: expires_at?.toISOString() ?? null,
    created_at: created_at.toISOString(),
  });
  const items = pairs.map(sharedPair).map(pairJson).join(',');
  return `${head.slice(0, -1)},"qa_pairs":[${items}],"next_cursor":${JSON.stringify(nextCursor)}}`;
}

function pairJson({ pair, metadata, ...said }: SharedPair): string {
  const { responseId, seq, messageType, author, status, model, createdAt } = pair;
  const head = JSON.stringify({
    response_id: responseId,
    seq,
    question: said.question,
    response: said.response,
  });
  const tail = JSON.stringify({
    ...{ message_type: messageType, author, status, model },
    timestamp: createdAt.toISOString(),
  });
  const parts = `"question_parts":${exactJson(said.questionParts)},"response_parts":${exactJson(said.responseParts)}`;
  return `${head.slice(0, -1)},${parts},"metadata":${metadata},${tail.slice(1)}`;
}
