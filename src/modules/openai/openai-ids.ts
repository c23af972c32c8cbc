import { isUuid } from '../../common/ids.js';
import { UUID_TEXT } from '../../common/json-schema.js';
import { invalidField } from '../../common/problems.js';

/** What the beginning of an item's id says that it is. */
const KINDS = {
  question: 'msg_q_',
  instruction: 'msg_s_',
  answer: 'msg_',
  result: 'fco_',
  call: 'fc_',
  reasoning: 'rs_',
} as const;
const KIND_TEXT = Object.values(KINDS).join('|');
export type ItemKind = keyof typeof KINDS;

/** What an item of OpenAI's API is here: a part of one side of a pair, or some in a row. */
export interface ItemRef {
  responseId: string;
  kind: ItemKind;
  /** Which one of its kind on its side, from 0. */
  index: number;
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

/** The forms of the names that are read here, as JSON Schema has them. */
export const NAME_PATTERNS = {
  response: `^resp_${UUID_TEXT}$`,
  branch: `^(branch_)?${UUID_TEXT}$`,
  conversation: `^conv_${UUID_TEXT}(:branch_${UUID_TEXT})?$`,
  item: `^(${KIND_TEXT})${UUID_TEXT}(_[0-9]{1,4})?$`,
  file: `^(file[-_])?${UUID_TEXT}$`,
} as const;

export const responseName = (responseId: string): string => `resp_${responseId}`;
export const conversationName = (chatId: string): string => `conv_${chatId}`;
export const answerName = (responseId: string): string => itemName('answer', responseId);
export const questionName = (responseId: string): string => itemName('question', responseId);

/** The first of its kind has no number. */
export const itemName = (kind: ItemKind, responseId: string, index = 0): string =>
  `${KINDS[kind]}${responseId}${index === 0 ? '' : `_${index}`}`;

/** The `response_id` in `resp_<response_id>`; null for anything else. */
export const responseIn = (name: unknown): string | null => rest(name, 'resp_');

/** The chat in `branch_<chat_id>` or a plain `chat_id`; null for anything else. */
export const branchIn = (name: unknown): string | null => rest(name, 'branch_') ?? rest(name, '');

export const fileName = (fileId: string): string => `file-${fileId}`;

/** The `file_id` in `file-<file_id>`, or alone; null for anything else. */
export const fileIn = (name: unknown): string | null =>
  rest(name, 'file-') ?? rest(name, 'file_') ?? rest(name, '');

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

const ITEM = new RegExp(`^(${KIND_TEXT})(${UUID_TEXT})(?:_(\\d{1,4}))?$`);

/** What the id of an item names, like `msg_<response_id>`; null for anything else. */
export function itemIn(name: unknown): ItemRef | null {
  const found = typeof name === 'string' ? ITEM.exec(name) : null;
  if (!found) return null;
  const [, prefix, responseId] = found as unknown as [string, string, string];
  const kind = (Object.keys(KINDS) as ItemKind[]).find((one) => KINDS[one] === prefix)!;
  return { responseId: responseId.toLowerCase(), kind, index: Number(found.at(-1) ?? 0) };
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
