import { isUuid } from '../../common/ids.js';
import { invalidField } from '../../common/problems.js';
import { QUESTION_BYTES_MAX } from '../message/message.dto.js';
import type { UiChatDto, UiMessageDto } from './aisdk.dto.js';

/** What a client wants to be said, and where. */
export interface UiTurn {
  question: string;
  /**
   * The pair that the question follows: null = it is the first one, undefined = the client told
   * nothing of the path.
   */
  parent: string | null | undefined;
}

/**
 * The last question of a request, and the pair before it. Clients know a pair by its response:
 * `start` gave it the `response_id` as its message id, and they send it back among their
 * `messages`.
 * @throws 422 when there is no question, or when it has parts that are not text
 */
export function turnOf({ message, messages }: UiChatDto): UiTurn {
  if (message) return { question: textOf(message, 'message'), parent: undefined };
  const all = messages ?? [];
  const at = all.map(({ role }) => role).lastIndexOf('user');
  if (at < 0) throw invalidField('messages', 'must have a message of the role user');
  // What an assistant says before the first question is a greeting that the page made up.
  const first = all.findIndex(({ role }) => role === 'user');
  const before = all.slice(first, at).findLast(({ role }) => role === 'assistant');
  return { question: textOf(all[at]!, `messages.${at}`), parent: before ? pairOf(before) : null };
}

/**
 * The pair whose response is to be made anew: the one that is named, else the last one; null when
 * it is a question that has none.
 */
export function pairToRegenerate({ messageId, messages }: UiChatDto): string | null {
  if (isUuid(messageId)) return messageId;
  const last = messages?.at(-1);
  return last?.role === 'assistant' ? pairOf(last) : null;
}

function pairOf({ id }: UiMessageDto): string {
  if (isUuid(id)) return id;
  throw invalidField(
    'messages',
    'has an answer that was not given here; its id must be the one that `start` told',
  );
}

function textOf({ parts, content }: UiMessageDto, path: string): string {
  const stray = parts?.find(
    ({ type }) => type !== 'text' && !(typeof type === 'string' && IGNORED.test(type)),
  );
  if (stray)
    throw invalidField(
      `${path}.parts`,
      `must be text; the type ${String(JSON.stringify(stray.type)).slice(0, 40)} is not known here`,
    );
  const texts = parts?.filter(({ type }) => type === 'text').map(({ text }) => text) ?? [content];
  const text = texts.filter((part) => typeof part === 'string').join('\n');
  if (text.trim() === '') throw invalidField(`${path}.parts`, 'must have a text that is not blank');
  if (Buffer.byteLength(text) > QUESTION_BYTES_MAX)
    throw invalidField(`${path}.parts`, `must have at most ${QUESTION_BYTES_MAX} bytes of UTF-8`);
  return text;
}

/** What may stand beside a text and says nothing to a model. */
const IGNORED = /^(step-start|data-.*|source-.*)$/;
