import { isUuid } from '../../common/ids.js';
import { invalidField } from '../../common/problems.js';
import type { AnswerSettings } from '../../llm/settings.js';
import { QUESTION_BYTES_MAX } from '../message/message.dto.js';
import type { UiChatDto, UiMessageDto } from './aisdk.dto.js';
import { ownMetadata } from './ui-metadata.js';

/** What a client wants to be said, and where. */
export interface UiTurn {
  question: string;
  metadata: Record<string, unknown> | null;
  /**
   * The pair that the question follows: null = it is the first one, undefined = the client told
   * nothing of the path.
   */
  parent: string | null | undefined;
  settings: AnswerSettings;
}

/**
 * The last question of a request, and the pair before it. Clients know a pair by its response:
 * `start` gave it the `response_id` as its message id, and they send it back among their
 * `messages`. An assistant's message with another id was made by the page: it is skipped.
 * @throws 422 when there is no question, or when it has parts that are not text
 */
export function turnOf({ message, messages, system }: UiChatDto): UiTurn {
  const settings = settingsOf(system, messages ?? []);
  if (message) return { ...saidIn(message, 'message'), parent: undefined, settings };
  const all = messages ?? [];
  const at = all.map(({ role }) => role).lastIndexOf('user');
  if (at < 0) throw invalidField('messages', 'must have a message of the role user');
  const before = all.slice(0, at).findLast(isAnswer);
  return { ...saidIn(all[at]!, `messages.${at}`), parent: before?.id ?? null, settings };
}

const saidIn = (message: UiMessageDto, path: string): Pick<UiTurn, 'question' | 'metadata'> => ({
  question: textOf(message, path),
  metadata: ownMetadata(message.metadata, path),
});

/** What systems say: each request tells it anew. */
function settingsOf(system: string | undefined, messages: readonly UiMessageDto[]): AnswerSettings {
  const said = messages.flatMap((message, at) =>
    message.role === 'system' ? [textOf(message, `messages.${at}`)] : [],
  );
  const instructions = [...(system?.trim() ? [system] : []), ...said];
  return instructions.length > 0 ? { instructions: instructions.join('\n\n') } : {};
}

/**
 * The pair whose response is to be made anew: the one that is named, else the last one; null when
 * it is a question that has none.
 */
export function pairToRegenerate({ messageId, messages }: UiChatDto): string | null {
  if (isUuid(messageId)) return messageId;
  const last = messages?.at(-1);
  return last && isAnswer(last) ? last.id : null;
}

const isAnswer = ({ role, id }: UiMessageDto): boolean => role === 'assistant' && isUuid(id);

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
