import { isUuid } from '../../common/ids.js';
import { invalidField } from '../../common/problems.js';

/** What a message of OpenAI's API is here: the question or the response of a pair. */
export interface ItemRef {
  responseId: string;
  isQuestion: boolean;
}

/** A conversation, or one branch of it. */
export interface ConversationRef {
  chatId: string;
  /** Null: the active one. */
  branchId: string | null;
}

const rest = (text: unknown, prefix: string): string | null => {
  const id = typeof text === 'string' && text.startsWith(prefix) ? text.slice(prefix.length) : null;
  return isUuid(id) ? id.toLowerCase() : null;
};

const UUID_TEXT = '[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}';
/** The forms of the names that are read here, as JSON Schema has them. */
export const NAME_PATTERNS = {
  response: `^resp_${UUID_TEXT}$`,
  branch: `^(branch_)?${UUID_TEXT}$`,
  conversation: `^conv_${UUID_TEXT}(:branch_${UUID_TEXT})?$`,
} as const;

export const responseName = (responseId: string): string => `resp_${responseId}`;
export const conversationName = (chatId: string): string => `conv_${chatId}`;
export const answerName = (responseId: string): string => `msg_${responseId}`;
export const questionName = (responseId: string): string => `msg_q_${responseId}`;

/** The `response_id` in `resp_<response_id>`; null for anything else. */
export const responseIn = (name: unknown): string | null => rest(name, 'resp_');

/** The chat in `branch_<chat_id>` or a plain `chat_id`; null for anything else. */
export const branchIn = (name: unknown): string | null => rest(name, 'branch_') ?? rest(name, '');

/** What `conv_<chat_id>` or `conv_<chat_id>:branch_<chat_id>` names; null for anything else. */
export function conversationIn(name: unknown): ConversationRef | null {
  if (typeof name !== 'string') return null;
  const [conversation, branch, ...more] = name.split(':');
  const chatId = rest(conversation, 'conv_');
  const branchId = branch === undefined ? null : rest(branch, 'branch_');
  const isWhole =
    chatId !== null && more.length === 0 && (branch === undefined || branchId !== null);
  return isWhole ? { chatId, branchId } : null;
}

/** What `msg_<response_id>` or `msg_q_<response_id>` names; null for anything else. */
export function itemIn(name: unknown): ItemRef | null {
  const [question, answer] = [rest(name, 'msg_q_'), rest(name, 'msg_')];
  if (question) return { responseId: question, isQuestion: true };
  return answer ? { responseId: answer, isQuestion: false } : null;
}

/** The same, thrown at whoever named nothing. @throws 400 that names the field */
export const responseParam = (name: string): string =>
  responseIn(name) ?? refuse('response_id', 'resp_…');
export const conversationParam = (name: string): ConversationRef =>
  conversationIn(name) ?? refuse('conversation_id', 'conv_…');
export const itemParam = (name: string, field: string): ItemRef =>
  itemIn(name) ?? refuse(field, 'msg_…');

function refuse(field: string, form: string): never {
  throw invalidField(field, `must be an id like ${form}`);
}
