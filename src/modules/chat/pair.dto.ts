import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import {
  FINISH_REASONS,
  MESSAGE_STATUSES,
  MESSAGE_TYPES,
  type MessageStatus,
  type MessageType,
} from './message.entity.js';
import type { QuestionPart, ResponsePart } from '../../tree/parts.js';
import { ApiParts, QUESTION_PART_SCHEMA, RESPONSE_PART_SCHEMA } from './part.dto.js';

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
@ApiParts()
export class QaPairDto {
  response_id!: string;
  /** The chat that owns the pair: for an inherited one an ancestor. */
  chat_id!: string;
  /** Position on the path, from 1, without gaps. */
  seq!: number;
  /** The text of it; null where the assistant speaks first, or only other parts are said. */
  question!: string | null;
  /** The text of it. */
  response!: string | null;
  /** All that the question is made of, in order; null where that is its text alone. */
  @ApiProperty({ type: 'array', items: QUESTION_PART_SCHEMA, nullable: true })
  question_parts!: QuestionPart[] | null;
  /** The same of the response. */
  @ApiProperty({ type: 'array', items: RESPONSE_PART_SCHEMA, nullable: true })
  response_parts!: ResponsePart[] | null;
  @ApiProperty({ type: 'object', additionalProperties: true, nullable: true })
  metadata!: Record<string, unknown> | null;
  @ApiProperty({ enum: MESSAGE_TYPES })
  message_type!: MessageType;
  author!: string | null;
  @ApiProperty({ enum: MESSAGE_STATUSES })
  status!: MessageStatus;
  model!: string | null;
  /** How the answer was asked for: instructions, tools, format, sampling. */
  @ApiProperty({ type: 'object', additionalProperties: true, nullable: true })
  settings!: Record<string, unknown> | null;
  usage!: UsageDto | null;
  /** Only of a failed answer. */
  error!: AnswerErrorDto | null;
  timestamp!: string;
  /** Branches made at this pair, oldest first, at most 100. */
  branches!: string[];
  branches_total!: number;
  version!: number;
}
