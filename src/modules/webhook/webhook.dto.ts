import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ArrayNotEmpty, ArrayUnique, IsArray, IsBoolean, IsIn, IsOptional } from 'class-validator';
import { IsSaid, OneOf, Optional } from '../../common/fields.js';
import { PageQuery } from '../../common/page.dto.js';
import { SEND_ERRORS } from './receiver-client.js';
import { DELIVERY_STATUSES, type DeliveryStatus } from './webhook-delivery.entity.js';
import {
  DELIVERY_TYPES,
  type DeliveryType,
  WEBHOOK_EVENTS,
  type WebhookEvent,
} from './webhook-events.js';
import type { DeliveryRow, WebhookRow } from './webhook.sql.js';
import type { DisabledReason } from './webhook.entity.js';

const URL_CHARS_MAX = 2048;
/** The host is looked at by itself: only the server knows where it may send. */
const HTTPS = {
  format: 'uri',
  pattern: '^[Hh][Tt][Tt][Pp][Ss]://[^/?#@\\s\\u0000]+([/?][^#\\s\\u0000]*)?$',
};
const DESCRIPTION_CHARS_MAX = 200;
const DELIVERY_ERRORS = [...SEND_ERRORS, 'webhook_disabled'] as const;

/** Decorators run from the last one up: what is no array is told first. */
const IsEventList = (): PropertyDecorator => (target, key) => {
  IsIn(WEBHOOK_EVENTS, { each: true, message: `must name some of: ${WEBHOOK_EVENTS.join(', ')}` })(
    target,
    key,
  );
  ArrayUnique({ message: 'must name each event once' })(target, key);
  ArrayNotEmpty({ message: 'must name at least one event' })(target, key);
  IsArray({ message: 'must be a list' })(target, key);
};

export class CreateWebhookDto {
  /**
   * An https URL, without user and password; private addresses are refused.
   * @example "https://example.com/banyan"
   */
  @ApiProperty({ ...HTTPS, maxLength: URL_CHARS_MAX })
  @IsSaid({ charsMax: URL_CHARS_MAX })
  url!: string;

  /** Of what it is told; everything, when nothing is said. */
  @ApiPropertyOptional({ type: 'array', items: { type: 'string', enum: [...WEBHOOK_EVENTS] } })
  @Optional()
  @IsEventList()
  events?: WebhookEvent[];

  /** What it is for. @example "tells the archive" */
  @ApiPropertyOptional({ type: String, nullable: true, maxLength: DESCRIPTION_CHARS_MAX })
  @IsOptional()
  @IsSaid({ charsMax: DESCRIPTION_CHARS_MAX })
  description?: string | null;
}

export class UpdateWebhookDto {
  @ApiPropertyOptional({
    ...HTTPS,
    maxLength: URL_CHARS_MAX,
    example: 'https://example.com/banyan',
  })
  @Optional()
  @IsSaid({ charsMax: URL_CHARS_MAX })
  url?: string;

  @ApiPropertyOptional({ type: 'array', items: { type: 'string', enum: [...WEBHOOK_EVENTS] } })
  @Optional()
  @IsEventList()
  events?: WebhookEvent[];

  /**
   * False gives up what is still to be sent. True begins anew, also after the server disabled it.
   */
  @Optional()
  @IsBoolean({ message: 'must be true or false' })
  enabled?: boolean;

  /** Null takes it away. */
  @ApiPropertyOptional({ type: String, nullable: true, maxLength: DESCRIPTION_CHARS_MAX })
  @IsOptional()
  @IsSaid({ charsMax: DESCRIPTION_CHARS_MAX })
  description?: string | null;
}

export class ListDeliveriesQuery extends PageQuery {
  /** Only those that stand so. */
  @ApiPropertyOptional({ enum: DELIVERY_STATUSES })
  @Optional()
  @OneOf(DELIVERY_STATUSES)
  status?: DeliveryStatus;
}

export class WebhookDto {
  webhook_id!: string;

  /** @example "https://example.com/banyan" */
  url!: string;

  @ApiProperty({
    type: 'array',
    items: { type: 'string', enum: [...WEBHOOK_EVENTS] },
    example: ['message.completed'],
  })
  events!: WebhookEvent[];

  @ApiProperty({ type: String, nullable: true, example: 'tells the archive' })
  description!: string | null;

  enabled!: boolean;

  /**
   * Why the server disabled it: `gone` after an answer with 410, `failing` after five days without
   * success.
   */
  @ApiProperty({ type: String, enum: ['gone', 'failing', null], nullable: true, example: null })
  disabled_reason!: DisabledReason | null;

  /** The first failed attempt since the last good one. */
  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: null })
  failing_since!: string | null;

  created_at!: string;
  updated_at!: string;
}

export class WebhookWithSecretDto extends WebhookDto {
  /**
   * Signs the deliveries. This is the one time it is shown.
   * @example "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="
   */
  secret!: string;
}

export class WebhookPageDto {
  /** Newest first. */
  items!: WebhookDto[];
  next_cursor!: string | null;
}

export class DeliveryDto {
  /** What the receiver knows as `webhook-id`: the same at every attempt. */
  delivery_id!: string;

  @ApiProperty({ enum: DELIVERY_TYPES, example: 'message.completed' })
  type!: DeliveryType;

  /** The conversation; null for a test. */
  @ApiProperty({ type: String, format: 'uuid', nullable: true })
  root_chat_id!: string | null;

  /** The number of the event in its conversation; null for a test. */
  @ApiProperty({ type: 'integer', nullable: true, example: 7 })
  event_seq!: number | null;

  /** `failed` was given up. */
  @ApiProperty({ enum: DELIVERY_STATUSES, example: 'delivered' })
  status!: DeliveryStatus;

  /** Attempts that have ended. */
  @ApiProperty({ type: 'integer', example: 1 })
  attempts!: number;

  /** HTTP status of the last answer; null when there was none. Bodies of answers are not kept. */
  @ApiProperty({ type: 'integer', nullable: true, example: 200 })
  last_status!: number | null;

  /** Why the last attempt had no answer, or why there is none. */
  @ApiProperty({ type: String, enum: [...DELIVERY_ERRORS, null], nullable: true, example: null })
  last_error!: string | null;

  /** Null when there is none any more. */
  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: null })
  next_attempt_at!: string | null;

  created_at!: string;

  /** When it was delivered or given up. */
  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  settled_at!: string | null;
}

export class DeliveryPageDto {
  /** Newest first. */
  items!: DeliveryDto[];
  next_cursor!: string | null;
}

export const toWebhookDto = (row: WebhookRow): WebhookDto => ({
  webhook_id: row.webhook_id,
  url: row.url,
  events: row.events,
  description: row.description,
  enabled: row.enabled,
  disabled_reason: row.disabled_reason,
  failing_since: row.failing_since?.toISOString() ?? null,
  created_at: row.created_at.toISOString(),
  updated_at: row.updated_at.toISOString(),
});

export const toDeliveryDto = (row: DeliveryRow): DeliveryDto => ({
  delivery_id: row.delivery_id,
  type: row.type,
  root_chat_id: row.root_chat_id,
  event_seq: row.event_seq,
  status: row.status,
  attempts: row.attempts,
  last_status: row.last_status,
  last_error: row.last_error,
  next_attempt_at: row.status === 'pending' ? row.due_at.toISOString() : null,
  created_at: row.created_at.toISOString(),
  settled_at: row.settled_at?.toISOString() ?? null,
});
