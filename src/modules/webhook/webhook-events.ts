import type { EventType } from '../../events/event.entity.js';
import type { MessageStatus } from '../chat/message.entity.js';

/** What a webhook can be told of. */
export const WEBHOOK_EVENTS = ['message.completed', 'branch.created', 'chat.deleted'] as const;
export type WebhookEvent = (typeof WEBHOOK_EVENTS)[number];

export const DELIVERY_TYPES = [...WEBHOOK_EVENTS, 'webhook.test'] as const;
export type DeliveryType = (typeof DELIVERY_TYPES)[number];

/**
 * A row of `events` with what a receiver wants to know about its subject; those columns are null
 * where there is none (any more).
 */
export interface ReadEvent {
  account_id: string;
  root_chat_id: string;
  seq: number;
  type: EventType;
  chat_id: string;
  response_id: string | null;
  created_at: Date;
  pair_seq: number | null;
  pair_version: number | null;
  pair_status: MessageStatus | null;
  parent_chat_id: string | null;
  fork_seq: number | null;
  fork_response_id: string | null;
}

/** Which of the three an event is, if any. */
export function webhookEventOf(event: ReadEvent): WebhookEvent | null {
  if (
    event.type === 'branch.created' ||
    event.type === 'chat.deleted' ||
    event.type === 'message.completed'
  )
    return event.type;
  return event.type === 'message.created' && isCompleteAtOnce(event) ? 'message.completed' : null;
}

/**
 * A pair that came with its response has no `message.completed` of its own. One whose answer was
 * written later has, and a higher version than its first by then: so it is not told twice, however
 * late its `message.created` is read.
 */
const isCompleteAtOnce = ({ pair_status, pair_version }: ReadEvent): boolean =>
  pair_status === 'complete' && pair_version === 1;

/** The body of a delivery: ids and numbers, no words. */
export function payloadOf(type: WebhookEvent, event: ReadEvent): string {
  const { chat_id, root_chat_id, created_at, seq: event_seq } = event;
  return JSON.stringify({
    type,
    timestamp: created_at.toISOString(),
    data: { chat_id, root_chat_id, ...aboutOf(type, event), event_seq },
  });
}

function aboutOf(
  type: WebhookEvent,
  { response_id, pair_seq, parent_chat_id, fork_seq, fork_response_id }: ReadEvent,
): object {
  if (type === 'message.completed') return { response_id, seq: pair_seq };
  if (type === 'branch.created') return { parent_chat_id, fork_seq, fork_response_id };
  return {};
}

/** The body of a delivery that its owner asked for. */
export const testPayloadOf = (webhookId: string, now: Date): string =>
  JSON.stringify({
    type: 'webhook.test',
    timestamp: now.toISOString(),
    data: { webhook_id: webhookId },
  });
