import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import {
  FINISH_REASONS,
  MESSAGE_STATUSES,
  MESSAGE_TYPES,
  type MessageStatus,
  type MessageType,
} from './message.entity.js';

export class UsageDto {
  input_tokens!: number;
  /** Of the input, those that the provider had read before. Absent where it did not say. */
  cached_tokens?: number;
  output_tokens!: number;
  /** Of the output, those that nobody reads. Absent where the provider did not say. */
  reasoning_tokens?: number;
  /** Milliseconds from the question to the first piece of the answer. */
  first_token_ms?: number;
  /**
   * Absent where all was said: `length` and `content_filter` cut it, `error` is the provider's,
   * `tool_calls` waits for what tools give, `other` is nothing that is known here.
   */
  @ApiPropertyOptional({ enum: FINISH_REASONS })
  finish_reason?: (typeof FINISH_REASONS)[number];
}

export class AnswerErrorDto {
  code!: string;
  message!: string;
}

/** One question with its response. Written by `pairJson`, which is held to this class by a test. */
export class QaPairDto {
  response_id!: string;
  /** The chat that owns the pair: for an inherited one an ancestor. */
  chat_id!: string;
  /** Position on the path, from 1, without gaps. */
  seq!: number;
  question!: string;
  response!: string | null;
  @ApiProperty({ type: 'object', additionalProperties: true, nullable: true })
  metadata!: Record<string, unknown> | null;
  @ApiProperty({ enum: MESSAGE_TYPES })
  message_type!: MessageType;
  author!: string | null;
  @ApiProperty({ enum: MESSAGE_STATUSES })
  status!: MessageStatus;
  model!: string | null;
  usage!: UsageDto | null;
  /** Only of a failed answer. */
  error?: AnswerErrorDto;
  timestamp!: string;
  /** Branches made at this pair, oldest first, at most 100. */
  branches!: string[];
  branches_total!: number;
  version!: number;
}
