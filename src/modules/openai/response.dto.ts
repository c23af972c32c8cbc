import { ApiProperty } from '@nestjs/swagger';
import type { TextFormat, ToolChoice } from '../../llm/settings.js';
import type { Metadata } from './openai-metadata.js';
import { ApiItems, type ItemDto, ITEM_SCHEMA } from './response-items.dto.js';

const text = { type: 'string' } as const;

export class InputTokensDetailsDto {
  cached_tokens!: number;
}

export class OutputTokensDetailsDto {
  reasoning_tokens!: number;
}

export class ResponseUsageDto {
  /** @example 12 */
  input_tokens!: number;
  input_tokens_details!: InputTokensDetailsDto;
  /** @example 48 */
  output_tokens!: number;
  output_tokens_details!: OutputTokensDetailsDto;
  /** @example 60 */
  total_tokens!: number;
}

export class ResponseErrorDto {
  /** @example "model_failed" */
  code!: string;
  message!: string;
}

export class IncompleteDetailsDto {
  /** Or the code of the error that broke it off. @example "max_output_tokens" */
  reason!: string;
}

export class ResponseConversationDto {
  /** @example "conv_019aa1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b" */
  id!: string;
}

const NullableText = (): PropertyDecorator => ApiProperty({ type: String, nullable: true });

/** A pair as OpenAI's API shows it. */
@ApiItems()
export class ResponseDto {
  /** `resp_<response_id>`. @example "resp_019aa1b3-0d4e-7a6b-9c8d-2e3f4a5b6c7d" */
  id!: string;

  @ApiProperty({ enum: ['response'] })
  object!: 'response';

  /** In seconds since 1970. */
  created_at!: number;

  /** When the answer was there, in seconds since 1970; null where it is not whole. */
  @ApiProperty({ type: 'integer', nullable: true })
  completed_at!: number | null;

  @ApiProperty({ enum: ['in_progress', 'completed', 'failed', 'incomplete', 'cancelled'] })
  status!: 'in_progress' | 'completed' | 'failed' | 'incomplete' | 'cancelled';

  @ApiProperty({ type: ResponseErrorDto, nullable: true })
  error!: ResponseErrorDto | null;

  @ApiProperty({ type: IncompleteDetailsDto, nullable: true })
  incomplete_details!: IncompleteDetailsDto | null;

  /** The system prompt. */
  @ApiProperty({ type: String, nullable: true })
  instructions!: string | null;

  @ApiProperty({ type: 'integer', nullable: true })
  max_output_tokens!: number | null;

  @ApiProperty({ type: 'integer', nullable: true })
  max_tool_calls!: number | null;

  /** @example "offline" */
  model!: string;

  /** What the model said, thought and called. */
  @ApiProperty({ type: 'array', items: ITEM_SCHEMA })
  output!: ItemDto[];

  parallel_tool_calls!: boolean;

  /** The pair before this one on its path. */
  @ApiProperty({ type: String, nullable: true })
  previous_response_id!: string | null;

  /** The conversation of the pair; null where nothing is kept. */
  @ApiProperty({ type: ResponseConversationDto, nullable: true })
  conversation!: ResponseConversationDto | null;

  @NullableText()
  prompt_cache_key!: string | null;

  @NullableText()
  prompt_cache_retention!: string | null;

  @ApiProperty({
    type: 'object',
    properties: { effort: { ...text, nullable: true }, summary: { ...text, nullable: true } },
    nullable: true,
  })
  reasoning!: { effort: string | null; summary: string | null } | null;

  @NullableText()
  safety_identifier!: string | null;

  @ApiProperty({ enum: ['default'] })
  service_tier!: 'default';

  /** Whether it is kept. */
  store!: boolean;

  background!: boolean;

  @ApiProperty({ type: 'number', format: 'double' })
  temperature!: number;

  @ApiProperty({ type: 'object', additionalProperties: true })
  text!: { format: TextFormat; verbosity?: string };

  @ApiProperty({ oneOf: [text, { type: 'object', additionalProperties: true }] })
  tool_choice!: ToolChoice;

  @ApiProperty({ type: 'array', items: { type: 'object' } })
  tools!: object[];

  top_logprobs!: number;

  @ApiProperty({ type: 'number', format: 'double' })
  top_p!: number;

  @ApiProperty({ type: 'number', format: 'double' })
  presence_penalty!: number;
  @ApiProperty({ type: 'number', format: 'double' })
  frequency_penalty!: number;

  @ApiProperty({ enum: ['auto', 'disabled'] })
  truncation!: 'auto' | 'disabled';

  @ApiProperty({ type: ResponseUsageDto, nullable: true })
  usage!: ResponseUsageDto | null;

  @NullableText()
  user!: string | null;

  /** That of the pair, and `branch_id`: the chat that it is in. */
  @ApiProperty({ type: 'object', additionalProperties: text })
  metadata!: Metadata;
}

export class DeletedResponseDto {
  /** `resp_<response_id>`. */
  id!: string;

  @ApiProperty({ enum: ['response'] })
  object!: 'response';

  deleted!: boolean;
}
