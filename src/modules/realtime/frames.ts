import { isObject } from '../../common/is-object.js';
import type { RawData } from 'ws';
import { isUuid } from '../../common/ids.js';

/** What a client may say. `chatId` is null where the whole account is meant. */
export type SocketCommand =
  | { event: 'auth'; token: string }
  | { event: 'subscribe'; chatId: string | null; since: number | undefined }
  | { event: 'unsubscribe'; chatId: string | null }
  | { event: 'ping' };

/** `code` of an `error` frame; `asyncapi.yaml` has the same list. */
export const FAULT_CODES = [
  'not_found',
  'invalid_json',
  'invalid_frame',
  'unknown_event',
  'validation_failed',
  'too_many_subscriptions',
  'rate_limited',
  'unauthorized',
  'store_unavailable',
] as const;

/** Something a client is told in an `error` frame; the socket stays open. */
export interface Fault {
  code: (typeof FAULT_CODES)[number];
  message: string;
}

/**
 * The highest `seq` that an event can have (`integer` of PostgreSQL), and so the highest `since`,
 * by whichever way it comes.
 */
export const SEQ_MAX = 2_147_483_647;

/** Reads `{event, data}`. Fields that the event does not know are ignored. */
export function readFrame(raw: RawData, isBinary: boolean): SocketCommand | Fault {
  if (isBinary) return { code: 'invalid_frame', message: 'Send JSON in text frames.' };
  let frame: unknown;
  try {
    frame = JSON.parse(String(raw));
  } catch {
    return { code: 'invalid_json', message: 'The frame is not valid JSON.' };
  }
  if (!isObject(frame) || typeof frame.event !== 'string') {
    return { code: 'invalid_frame', message: 'A frame is an object {event, data}.' };
  }
  const data = frame.data ?? {};
  if (!isObject(data)) return { code: 'invalid_frame', message: 'data must be an object.' };
  return commandOf(frame.event, data);
}

export const isFault = (read: SocketCommand | Fault): read is Fault => 'code' in read;

function commandOf(event: string, data: Record<string, unknown>): SocketCommand | Fault {
  switch (event) {
    case 'auth':
      return typeof data.token === 'string'
        ? { event, token: data.token }
        : invalid('token must be a string.');
    case 'subscribe':
      if (!isSeq(data.since)) return invalid('since must be the seq of an event, or 0.');
      return about(data, (chatId) => ({
        event,
        chatId,
        since: (data.since as number | null) ?? undefined,
      }));
    case 'unsubscribe':
      return about(data, (chatId) => ({ event, chatId }));
    case 'ping':
      return { event };
    default:
      return {
        code: 'unknown_event',
        message: 'Known events: auth, subscribe, unsubscribe, ping.',
      };
  }
}

/** `{account: true}` or `{chat_id}`, and not both. */
function about(
  { account, chat_id: chatId }: Record<string, unknown>,
  commandOn: (chatId: string | null) => SocketCommand,
): SocketCommand | Fault {
  const isOfChat = chatId !== undefined && chatId !== null;
  if (account === true)
    return isOfChat ? invalid('Say chat_id or account, not both.') : commandOn(null);
  if (account !== undefined && account !== null && account !== false)
    return invalid('account must be true.');
  return isUuid(chatId) ? commandOn(chatId.toLowerCase()) : invalid('chat_id must be a UUID.');
}

const invalid = (message: string): Fault => ({ code: 'validation_failed', message });

const isSeq = (value: unknown): value is number | null | undefined =>
  value === undefined ||
  value === null ||
  (Number.isInteger(value) && (value as number) >= 0 && (value as number) <= SEQ_MAX);
