import { Held } from '../../common/fields.js';
import { problems } from '../../common/problems.js';

export const MESSAGE_ID_TEXT =
  '^([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})(-question)?$';
const MESSAGE_ID = new RegExp(MESSAGE_ID_TEXT);

/** The side of a pair that a message is. */
export interface MessageRef {
  responseId: string;
  isQuestion: boolean;
}

/** An id of a message. */
export const MessageIdRule = (): PropertyDecorator =>
  Held(
    'isFormed',
    (value) => (isMessageId(value) ? null : 'must be the id of a message'),
    MESSAGE_ID_TEXT,
  );

export const MessageIdsRule = (): PropertyDecorator =>
  Held('messageIds', (value) =>
    Array.isArray(value) && value.every(isMessageId) ? null : 'must be a list of ids of messages',
  );

const isMessageId = (value: unknown): boolean =>
  typeof value === 'string' && MESSAGE_ID.test(value);

/** A field that has nothing to say here: only null passes. */
export const NothingHere = (mend: string): PropertyDecorator => Held('nothingHere', () => mend);

/** @throws message_not_found for what is no id of ours */
export function messageRef(id: string): MessageRef {
  const [, responseId, question] = MESSAGE_ID.exec(id) ?? [];
  if (responseId === undefined) throw problems.messageNotFound();
  return { responseId: responseId.toLowerCase(), isQuestion: question !== undefined };
}

export const questionId = (responseId: string): string => `${responseId}-question`;
