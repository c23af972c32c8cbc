import type { Pair } from '../chat/pair.js';
import type { QaPairDto } from '../chat/pair.dto.js';
import { wordsOf } from '../../content/body.js';
import type { AddMessageDto } from '../message/message.dto.js';
import type { ChatNames } from './chat-numbers.service.js';
import type { FirstMessageDto, NumberedMessageDto } from './first-message.dto.js';

/** The parts of a pair that are seen here. */
type ShownPair = Pick<
  QaPairDto,
  'response_id' | 'question' | 'response' | 'metadata' | 'author' | 'model' | 'timestamp'
>;

/**
 * A message with its place in the chat: twice the `seq` of its pair, and one more for the response.
 */
export interface PlacedMessage {
  place: number;
  message: NumberedMessageDto;
}

/** A message as the QA pair that it is stored as: a question that waits for no answer. */
export const questionOf = ({
  text,
  sender,
  system,
}: FirstMessageDto): Pick<AddMessageDto, 'question' | 'author' | 'metadata'> & {
  response: null;
} => ({
  question: text,
  author: sender,
  metadata: system ? { system: true } : null,
  response: null,
});

/** The question of a pair as a message. */
export function asMessage(
  names: ChatNames,
  { response_id, question, metadata, author, timestamp }: ShownPair,
): NumberedMessageDto {
  const system = metadata?.['system'] === true;
  return {
    id: response_id,
    ...names,
    text: question ?? '',
    sender: author ?? 'user',
    created_at: timestamp,
    system,
  };
}

/**
 * A pair as messages: its question, and its response where somebody answered (by another door: here
 * nobody does). None of one that was redacted.
 */
export function placedMessages(names: ChatNames, pair: Pair): PlacedMessage[] {
  if (pair.status === 'redacted') return [];
  const said = {
    response_id: pair.responseId,
    author: pair.author,
    model: pair.model,
    timestamp: pair.createdAt.toISOString(),
    ...wordsOf(pair.body),
  };
  return messagesOf(names, said).map((message) => ({
    place: 2 * pair.seq + (message.id === said.response_id ? 0 : 1),
    message,
  }));
}

/** The same without their places. */
export function messagesOf(names: ChatNames, said: ShownPair): NumberedMessageDto[] {
  const message = asMessage(names, said);
  const asked = said.question === null ? [] : [message];
  if (said.response === null) return asked;
  const answer = {
    ...message,
    id: `${message.id}.response`,
    text: said.response,
    sender: said.model ?? 'assistant',
    system: false,
  };
  return [...asked, answer];
}
