import { applyDecorators } from '@nestjs/common';
import { ApiHideProperty, ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsBoolean, IsInt, IsOptional } from 'class-validator';
import { ObjectOf } from '../../common/dto-reader.js';
import { IsSaid, OneOf } from '../../common/fields.js';
import { Lenient } from '../../common/strict-input.guard.js';
import { ANY_TEXT } from '../../common/text-patterns.js';
import type { FunctionTool, TextFormat, ToolChoice } from '../../llm/settings.js';
import { type ChatMessage, messagesFault } from './chat-messages.js';
import { MESSAGES_SCHEMA } from './chat-schemas.js';
import { Checked, MODEL_CHARS_MAX, Nullable } from './checked-field.js';
import { COMPLETION_FIELDS, NO_PADDING, RefusesBy } from './field-fates.js';
import { EFFORTS, responseFormatFault, VERBOSITIES } from './format-fields.js';
import { type Metadata, NOTES, notesFault } from './openai-metadata.js';
import { Penalty, Sampling, TokensMax } from './sampling-fields.js';
import {
  COMPLETION_CHOICE_SCHEMA,
  COMPLETION_TOOLS_SCHEMA,
  RESPONSE_FORMAT_SCHEMA,
} from './setting-schemas.js';
import { completionChoiceFault, completionToolsFault } from './tool-fields.js';

const STOPS_MAX = 4;
const NAME_CHARS_MAX = 512;
const text = { type: 'string' } as const;
const STOP = { ...text, minLength: 1, pattern: ANY_TEXT };

const stopFault = (value: unknown): string | null => {
  const stops: unknown[] = Array.isArray(value) ? value : [value];
  const fits =
    stops.length <= STOPS_MAX && stops.every((stop) => typeof stop === 'string' && stop !== '');
  return fits ? null : `must be a string, or a list of at most ${STOPS_MAX}`;
};

/** A text for the provider alone, which may be null. */
const Told = (): PropertyDecorator =>
  applyDecorators(
    ApiPropertyOptional({ type: String, nullable: true }),
    IsOptional(),
    IsSaid({ charsMax: NAME_CHARS_MAX, blank: true }),
  );

@RefusesBy({ include_obfuscation: NO_PADDING })
export class StreamOptionsDto {
  /** Send a last chunk with the usage. */
  @ApiPropertyOptional({ type: Boolean, nullable: true })
  @IsOptional()
  @IsBoolean({ message: 'must be true or false' })
  include_usage?: boolean | null;
}

export interface CompletionTool {
  type: 'function';
  function: Omit<FunctionTool, 'type'>;
}

export type CompletionChoice =
  | Extract<ToolChoice, string>
  | { type: 'function'; function: { name: string } }
  | {
      type: 'allowed_tools';
      allowed_tools: { mode: 'auto' | 'required'; tools: CompletionTool[] };
    };

export type ResponseFormat =
  | { type: 'text' | 'json_object' }
  | {
      type: 'json_schema';
      json_schema: Omit<Extract<TextFormat, { type: 'json_schema' }>, 'type' | 'schema'> & {
        schema?: Record<string, unknown>;
      };
    };

@Lenient()
@RefusesBy(COMPLETION_FIELDS)
export class CreateChatCompletionDto {
  /** A model of `GET /v1/models`. @example "offline" */
  @IsSaid({ charsMax: MODEL_CHARS_MAX })
  model!: string;

  /** The whole context, oldest first. */
  @ApiProperty(MESSAGES_SCHEMA)
  @Checked(messagesFault)
  messages!: ChatMessage[];

  /** Answer as server-sent events. */
  @ApiPropertyOptional({ type: Boolean, nullable: true, default: false })
  @IsOptional()
  @IsBoolean({ message: 'must be true or false' })
  stream?: boolean | null;

  @ApiPropertyOptional({ type: StreamOptionsDto, nullable: true })
  @IsOptional()
  @ObjectOf(() => StreamOptionsDto)
  stream_options?: StreamOptionsDto | null;

  /** How long the answer may become, in tokens. */
  @TokensMax()
  max_completion_tokens?: number | null;

  /** The older name of `max_completion_tokens`. */
  @TokensMax()
  max_tokens?: number | null;

  @Sampling(2)
  temperature?: number | null;

  @Sampling(1)
  top_p?: number | null;

  /** Texts that end the answer, at most four. */
  @ApiPropertyOptional({
    oneOf: [STOP, { type: 'array', maxItems: STOPS_MAX, items: STOP }, { type: 'null' }],
  })
  @IsOptional()
  @Checked(stopFault)
  stop?: string | string[] | null;

  /** Answers of one seed are alike, where the provider can do that. */
  @ApiPropertyOptional({ type: 'integer', nullable: true })
  @IsOptional()
  @IsInt({ message: 'must be a whole number' })
  seed?: number | null;

  @Penalty()
  presence_penalty?: number | null;

  @Penalty()
  frequency_penalty?: number | null;

  /** Functions that the model may call, and you run. */
  @Nullable(COMPLETION_TOOLS_SCHEMA, completionToolsFault)
  tools?: CompletionTool[] | null;

  /** Whether the model may or must call them, or which. */
  @Nullable(COMPLETION_CHOICE_SCHEMA, completionChoiceFault)
  tool_choice?: CompletionChoice | null;

  /** Whether it may call several at once. */
  @ApiPropertyOptional({ type: Boolean, nullable: true })
  @IsOptional()
  @IsBoolean({ message: 'must be true or false' })
  parallel_tool_calls?: boolean | null;

  /** The form of the answer. */
  @Nullable(RESPONSE_FORMAT_SCHEMA, responseFormatFault)
  response_format?: ResponseFormat | null;

  /** How much the model thinks. */
  @ApiPropertyOptional({ type: String, enum: [...EFFORTS, null], nullable: true })
  @IsOptional()
  @OneOf(EFFORTS)
  reasoning_effort?: string | null;

  /** How long-winded the answer is. */
  @ApiPropertyOptional({ type: String, enum: [...VERBOSITIES, null], nullable: true })
  @IsOptional()
  @OneOf(VERBOSITIES)
  verbosity?: string | null;

  /** Told to the provider; in a branch kept as the `metadata` of the pair. At most 16 texts. */
  @Nullable({ ...NOTES, nullable: true }, notesFault)
  metadata?: Metadata | null;

  /** Nothing is kept but in a branch, and there everything. */
  @ApiPropertyOptional({ type: Boolean, nullable: true })
  @IsOptional()
  @IsBoolean({ message: 'must be true or false' })
  store?: boolean | null;

  @Told()
  user?: string | null;

  @Told()
  safety_identifier?: string | null;

  @Told()
  prompt_cache_key?: string | null;

  @Told()
  prompt_cache_retention?: string | null;

  /** Fields of the body that are none of these (`furtherFields`). */
  @ApiHideProperty()
  more?: Record<string, unknown>;
}

export class PromptTokensDto {
  /** Of the prompt, those that the provider had read before. */
  cached_tokens!: number;
}

export class CompletionTokensDto {
  /** Of the answer, those that nobody reads. */
  reasoning_tokens!: number;
}

export class CompletionUsageDto {
  /** @example 12 */
  prompt_tokens!: number;
  /** @example 48 */
  completion_tokens!: number;
  /** @example 60 */
  total_tokens!: number;
  prompt_tokens_details?: PromptTokensDto;
  completion_tokens_details?: CompletionTokensDto;
}

export class CompletionCallDto {
  /** @example "call_1" */
  id!: string;

  @ApiProperty({ enum: ['function'] })
  type!: 'function';

  @ApiProperty({
    type: 'object',
    required: ['name', 'arguments'],
    properties: { name: text, arguments: text },
  })
  function!: { name: string; arguments: string };

  /** What only its provider can read of the call, as it came: to be sent back unchanged. */
  @ApiPropertyOptional({ type: 'object', additionalProperties: true })
  extra_content?: { google: { thought_signature: string } };
}

export class CompletionMessageDto {
  @ApiProperty({ enum: ['assistant'] })
  role!: string;

  /** Null where it calls tools alone. */
  @ApiProperty({ type: String, nullable: true })
  content!: string | null;

  @ApiProperty({ type: String, nullable: true })
  refusal!: string | null;

  /** What the model thought, where its provider says it. */
  reasoning_content?: string;

  /** What only its provider can read of that, as it came: to be sent back unchanged. */
  @ApiPropertyOptional({ type: 'array', items: { type: 'object', additionalProperties: true } })
  reasoning_details?: object[];

  tool_calls?: CompletionCallDto[];
}

export class CompletionChoiceDto {
  index!: number;
  message!: CompletionMessageDto;

  @ApiProperty({ enum: ['stop', 'length', 'tool_calls', 'content_filter'] })
  finish_reason!: string;

  /** Always null. */
  @ApiProperty({ type: Object, nullable: true })
  logprobs!: null;
}

export class ChatCompletionDto {
  /** @example "chatcmpl-019aa1b30d4e7a6b9c8d2e3f4a5b6c7d" */
  id!: string;

  @ApiProperty({ enum: ['chat.completion'] })
  object!: string;

  /** In seconds since 1970. */
  created!: number;

  /** The model that answered. @example "offline" */
  model!: string;

  choices!: CompletionChoiceDto[];
  usage!: CompletionUsageDto;
}

export class ModelDto {
  /** @example "offline" */
  id!: string;

  @ApiProperty({ enum: ['model'] })
  object!: string;

  /** Unknown here: always 0. */
  created!: number;

  /** The provider, as it was configured. */
  owned_by!: string;
}

export class ModelListDto {
  @ApiProperty({ enum: ['list'] })
  object!: string;

  /** The default first. */
  data!: ModelDto[];
}
