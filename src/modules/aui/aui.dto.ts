import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsBoolean,
  IsObject,
  IsOptional,
} from 'class-validator';
import { IsInstant, IsSaid, OneOf, Optional, QueryBoolean, QueryInt } from '../../common/fields.js';
import { IsPlainMetadata } from '../../common/metadata.js';
import { NAME_CHARS_MAX } from '../../common/name.js';
import { Lenient } from '../../common/strict-input.guard.js';
import { NAME_TEXT } from '../../common/text-patterns.js';
import { ROLES } from './aui-content.js';
import { MESSAGE_ID_TEXT, MessageIdRule, MessageIdsRule, NothingHere } from './aui-fields.js';

const PAGE_MAX = 200;
const FORMAT_CHARS_MAX = 100;
const TITLED_MESSAGES_MAX = 1000;
const DELETED_MAX = 100;
const END_REASONS = ['done', 'cancelled', 'error'] as const;
const FREE_OBJECT = { type: 'object', additionalProperties: true } as const;
/** Of a field that has nothing to say here. */
const NULL = { type: 'null' } as object;
const CONTENT = {
  ...{ ...FREE_OBJECT, required: ['role'], selfRequired: true },
  properties: { role: { type: 'string' as const, enum: [...ROLES] } },
};
const TITLE_ASSISTANT = 'system/thread_title';

export class ListAuiThreadsQuery {
  @ApiPropertyOptional({ minimum: 1, maximum: 100, default: 50 })
  @Optional()
  @QueryInt(1, 100)
  limit: number = 50;

  /** The `id` of the last thread of the page before. */
  @Optional()
  @IsSaid({ charsMax: NAME_CHARS_MAX })
  after?: string;

  /** Only the archived ones, or only the others. */
  @Optional()
  @QueryBoolean()
  is_archived?: boolean;
}

export class CreateAuiThreadDto {
  @IsOptional()
  @IsSaid({ charsMax: NAME_CHARS_MAX, blank: true })
  title?: string | null;

  /** Taken for what it says and not kept: the server knows when its messages came. */
  @Optional()
  @IsInstant()
  last_message_at?: string;

  @ApiPropertyOptional(FREE_OBJECT)
  @IsOptional()
  @IsPlainMetadata()
  metadata?: Record<string, unknown> | null;

  /**
   * A name of the client's own, by which the thread can be asked for too. Used again, it is that
   * thread.
   */
  @IsOptional()
  @IsSaid({ charsMax: NAME_CHARS_MAX })
  external_id?: string | null;

  /** A thread with that `external_id` is found either way. */
  @Optional()
  @IsBoolean({ message: 'must be true or false' })
  upsert?: boolean;
}

export class UpdateAuiThreadDto {
  @Optional()
  @IsSaid({ charsMax: NAME_CHARS_MAX, blank: true })
  title?: string;

  @Optional()
  @IsInstant()
  last_message_at?: string;

  @ApiPropertyOptional(FREE_OBJECT)
  @IsOptional()
  @IsPlainMetadata()
  metadata?: Record<string, unknown> | null;

  @Optional()
  @IsBoolean({ message: 'must be true or false' })
  is_archived?: boolean;
}

export class ListAuiMessagesQuery {
  /** In which messages are told that were said elsewhere. @example "aui/v0" */
  @Optional()
  @IsSaid({ charsMax: FORMAT_CHARS_MAX })
  format?: string;

  @ApiPropertyOptional({ minimum: 1, maximum: PAGE_MAX, default: PAGE_MAX })
  @Optional()
  @QueryInt(1, PAGE_MAX)
  limit: number = PAGE_MAX;

  /** The `id` of the last message of the page before. */
  @Optional()
  @MessageIdRule()
  after?: string;
}

export class CreateAuiMessageDto {
  /** Null: it begins the thread. A message that another one follows already gets a branch. */
  @ApiProperty({ type: String, nullable: true })
  @IsOptional()
  @MessageIdRule()
  parent_id?: string | null;

  @ApiProperty({ example: 'aui/v0', pattern: NAME_TEXT })
  @IsSaid({ charsMax: FORMAT_CHARS_MAX })
  format!: string;

  /** The message as the client has it, with its `role`: kept word for word, and told again. */
  @ApiProperty(CONTENT)
  @IsObject({ message: 'must be an object' })
  content!: Record<string, unknown>;

  /** The client's id of the message, told again. */
  @IsOptional()
  @IsSaid({ charsMax: 255 })
  external_id?: string | null;

  @ApiPropertyOptional(NULL)
  @IsOptional()
  @NothingHere('is not looked for here; say parent_id')
  parent_external_id?: unknown;

  /** The message will grow: it is answered with a lease. */
  @Optional()
  @IsBoolean({ message: 'must be true or false' })
  open_run?: boolean;

  @ApiPropertyOptional(NULL)
  @IsOptional()
  @NothingHere('is not looked for here: write it with PUT to the message')
  lease_id?: unknown;
}

export class UpdateAuiMessageDto {
  @ApiProperty(CONTENT)
  @IsObject({ message: 'must be an object' })
  content!: Record<string, unknown>;

  /** The lease of this message: as nobody takes one away, it may be written without too. */
  @Optional()
  @MessageIdRule()
  lease_id?: string;
}

export class DeleteAuiMessagesDto {
  @ApiProperty({
    ...{ type: 'array', minItems: 1, maxItems: DELETED_MAX },
    items: { type: 'string', pattern: MESSAGE_ID_TEXT },
  })
  @ArrayMinSize(1)
  @ArrayMaxSize(DELETED_MAX)
  @MessageIdsRule()
  message_ids!: string[];
}

export class EndAuiRunDto {
  /** Taken and not kept: the message says by itself how it ended. */
  @ApiPropertyOptional({ enum: END_REASONS })
  @Optional()
  @OneOf(END_REASONS)
  reason?: (typeof END_REASONS)[number];
}

@Lenient()
export class AuiRunStreamDto {
  @IsSaid({ charsMax: NAME_CHARS_MAX })
  thread_id!: string;

  @ApiProperty({ enum: [TITLE_ASSISTANT] })
  @OneOf([TITLE_ASSISTANT])
  assistant_id!: string;

  @ApiProperty({ type: 'array', items: FREE_OBJECT, maxItems: TITLED_MESSAGES_MAX })
  @IsArray({ message: 'must be a list' })
  @ArrayMaxSize(TITLED_MESSAGES_MAX)
  @IsObject({ each: true, message: 'must hold objects' })
  messages!: Record<string, unknown>[];
}

export class AuiThreadDto {
  @ApiProperty({ format: 'uuid' })
  id!: string;
  title!: string;
  @ApiProperty({ format: 'date-time' })
  last_message_at!: string;
  @ApiProperty({ ...FREE_OBJECT, nullable: true })
  metadata!: unknown;
  @ApiProperty({ type: String, nullable: true })
  external_id!: string | null;
  /** The account: there are no projects here. */
  project_id!: string;
  /** The account. */
  workspace_id!: string;
  @ApiProperty({ format: 'date-time' })
  created_at!: string;
  @ApiProperty({ format: 'date-time' })
  updated_at!: string;
  is_archived!: boolean;
}

export class AuiThreadsDto {
  threads!: AuiThreadDto[];
}

export class AuiThreadAnswerDto {
  thread!: AuiThreadDto;
}

export class AuiThreadMadeDto {
  @ApiProperty({ format: 'uuid' })
  thread_id!: string;
}

export class AuiMessageDto {
  /**
   * Of an answer the `response_id` of its pair; of a question the same with `-question` behind it.
   */
  id!: string;
  @ApiProperty({ type: String, nullable: true })
  parent_id!: string | null;
  height!: number;
  @ApiProperty({ format: 'date-time' })
  created_at!: string;
  @ApiProperty({ format: 'date-time' })
  updated_at!: string;
  format!: string;
  @ApiProperty(FREE_OBJECT)
  content!: object;
  @ApiProperty({ type: String, nullable: true })
  external_id!: string | null;
}

export class AuiMessagesDto {
  /** Of all branches; a parent comes behind its children. */
  messages!: AuiMessageDto[];
}

export class AuiLeaseDto {
  /** So long after one sign of life the next one is due. */
  @ApiProperty({ type: 'integer' })
  heartbeat_interval_ms!: number;
}

export class AuiMessageMadeDto {
  message_id!: string;

  /** Where a lease was asked for. */
  lease_id?: string;

  /** Where a lease was asked for. */
  @ApiPropertyOptional({ type: 'integer' })
  heartbeat_interval_ms?: number;
}
