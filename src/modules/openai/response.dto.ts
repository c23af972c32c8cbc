import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsBoolean, IsOptional } from 'class-validator';
import { IsSaid, OneOf, Optional, QueryBoolean, QueryInt } from '../../common/fields.js';
import { isObject } from '../../common/is-object.js';
import { Lenient } from '../../common/strict-input.guard.js';
import { SAID_TEXT } from '../../common/text-patterns.js';
import { isGiven } from './chat-messages.js';
import { Checked, MODEL_CHARS_MAX, Unsupported } from './checked-field.js';
import { type Input, inputFault, TEXTS } from './input-items.js';
import { conversationIn, NAME_PATTERNS, responseIn } from './openai-ids.js';
import { type Metadata, RESPONSE_NOTES, responseNotesFault } from './openai-metadata.js';
import { Sampling, TokensMax } from './sampling-fields.js';

export const PROMPT_BYTES_MAX = 32 * 1024;
const text = { type: 'string' } as const;
const CONVERSATION = { ...text, pattern: NAME_PATTERNS.conversation };
const said = { ...text, minLength: 1, pattern: SAID_TEXT };
const CONTENT = {
  oneOf: [
    said,
    {
      type: 'array',
      minItems: 1,
      items: {
        type: 'object',
        required: ['type', 'text'],
        properties: { type: { ...text, enum: [...TEXTS] }, text: said },
      },
    },
  ],
};
export const ITEM_SCHEMA = {
  type: 'object',
  required: ['role', 'content'],
  properties: {
    type: { ...text, enum: ['message'] },
    role: { ...text, enum: ['user', 'assistant', 'system', 'developer'] },
    content: CONTENT,
  },
  additionalProperties: true,
} as object;

const conversationFault = (value: unknown): string | null => {
  const name = typeof value === 'object' && value !== null ? (value as { id?: unknown }).id : value;
  return conversationIn(name)
    ? null
    : 'must be conv_<chat_id> or conv_<chat_id>:branch_<chat_id>, or an object with that id';
};
const TEXT_FORMAT = {
  type: 'object',
  properties: { type: { ...text, enum: ['text'] } },
  additionalProperties: true,
} as const;
const formatFault = (value: unknown): string | null => {
  const format = isObject(value) ? (value['format'] ?? {}) : null;
  return isObject(format) && ['text', undefined].includes(format['type'] as string | undefined)
    ? null
    : 'only {"format": {"type": "text"}} is supported here';
};
const toolChoiceFault = (value: unknown): string | null =>
  value === 'auto' || value === 'none'
    ? null
    : 'must be auto or none: tools are not supported here';

@Lenient()
export class CreateResponseDto {
  /**
   * A model of `GET /v1/models`; that of the chat, or the server's default, when absent. @example
   * "offline"
   */
  @ApiPropertyOptional({ type: String, nullable: true })
  @IsOptional()
  @IsSaid({ charsMax: MODEL_CHARS_MAX })
  model?: string | null;

  /**
   * What is asked, as text or as messages, the question last. Earlier messages are stored as pairs
   * before it.
   */
  @ApiProperty({
    oneOf: [said, { type: 'array', minItems: 1, items: ITEM_SCHEMA }],
  })
  @Checked(inputFault)
  input!: Input;

  /**
   * What the model is told to be: the system prompt of a new chat; in a chat that exists already,
   * in its place for this answer. At most 32 KiB.
   */
  @ApiPropertyOptional({ type: String, nullable: true })
  @IsOptional()
  @IsSaid({ bytesMax: PROMPT_BYTES_MAX, blank: true })
  instructions?: string | null;

  /**
   * `resp_<response_id>`: goes on behind that pair. Where it is not the last of its chat any more,
   * on a new sibling branch.
   */
  @ApiPropertyOptional({ type: String, pattern: NAME_PATTERNS.response, nullable: true })
  @IsOptional()
  @Checked((value) => (responseIn(value) ? null : 'must be an id like resp_…'))
  previous_response_id?: string | null;

  /**
   * `conv_<chat_id>`: goes on in its active branch. `conv_<chat_id>:branch_<chat_id>`: in that
   * branch. Text, or an object with it as `id`.
   */
  @ApiPropertyOptional({
    oneOf: [
      CONVERSATION,
      { type: 'object', required: ['id'], properties: { id: CONVERSATION } },
      { type: 'null' },
    ],
  })
  @IsOptional()
  @Checked(conversationFault)
  conversation?: string | { id: string } | null;

  /** Answer as server-sent events. */
  @ApiPropertyOptional({ type: Boolean, nullable: true, default: false })
  @IsOptional()
  @IsBoolean({ message: 'must be true or false' })
  stream?: boolean | null;

  /** False: nothing is kept, and the context is `input` alone. */
  @ApiPropertyOptional({ type: Boolean, nullable: true, default: true })
  @IsOptional()
  @IsBoolean({ message: 'must be true or false' })
  store?: boolean | null;

  /**
   * At most 16 texts, kept as the `metadata` of the pair. `branch_id`: the branch in which it goes
   * on.
   */
  @ApiPropertyOptional({ ...RESPONSE_NOTES, nullable: true })
  @IsOptional()
  @Checked(responseNotesFault)
  metadata?: Metadata | null;

  /** How long the answer may become, in tokens. */
  @TokensMax()
  max_output_tokens?: number | null;

  @Sampling(2)
  temperature?: number | null;

  @Sampling(1)
  top_p?: number | null;

  /** `auto` or `none`: the model is given no tools. */
  @ApiPropertyOptional({ type: String, enum: ['auto', 'none', null], nullable: true })
  @IsOptional()
  @Checked(toolChoiceFault)
  tool_choice?: unknown;

  /** Only `{"format": {"type": "text"}}`. */
  @ApiPropertyOptional({
    type: 'object',
    properties: { format: { ...TEXT_FORMAT, nullable: true } },
    additionalProperties: true,
    nullable: true,
  } as object)
  @IsOptional()
  @Checked(formatFault)
  text?: unknown;

  /** Ignored: a chat that is too long for the model is always cut, from the oldest pair on. */
  @ApiPropertyOptional({ type: String, enum: ['auto', 'disabled', null], nullable: true })
  @IsOptional()
  @OneOf(['auto', 'disabled'])
  truncation?: string | null;

  /** Not supported: an answer goes on without its reader anyway. */
  @ApiPropertyOptional({ type: Boolean, enum: [false, null], nullable: true })
  @Unsupported(
    'is not supported here; with stream, an answer can be resumed after its reader left',
    (value) => !isGiven(value) || value === false,
  )
  background?: unknown;

  /** Not supported: must be absent. */
  @ApiPropertyOptional({ type: 'null' } as object)
  @Unsupported('templates of prompts are not supported here; leave the field out')
  prompt?: unknown;
}

@Lenient()
export class RetrieveResponseQuery {
  /** Answer as server-sent events: what is there, and what follows. */
  @ApiPropertyOptional({ enum: ['true', 'false'] })
  @Optional()
  @QueryBoolean()
  stream?: boolean;

  /** The `sequence_number` of the last event that you have. */
  @ApiPropertyOptional({ type: 'integer', minimum: 0, maximum: 999_999_999 })
  @Optional()
  @QueryInt(0, 999_999_999)
  starting_after?: number;
}

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

export class TextPartDto {
  @ApiProperty({ enum: ['input_text', 'output_text'] })
  type!: string;

  text!: string;

  /** Of an answer: always empty. */
  @ApiPropertyOptional({ type: 'array', items: { type: 'object' } })
  annotations?: object[];

  /** Of an answer: always empty. */
  @ApiPropertyOptional({ type: 'array', items: { type: 'object' } })
  logprobs?: object[];
}

/** One message: the question or the response of a pair. */
export class MessageItemDto {
  @ApiProperty({ enum: ['message'] })
  type!: 'message';

  /**
   * `msg_<response_id>`, of a question `msg_q_<response_id>`. @example
   * "msg_019aa1b3-0d4e-7a6b-9c8d-2e3f4a5b6c7d"
   */
  id!: string;

  @ApiProperty({ enum: ['user', 'assistant'] })
  role!: 'user' | 'assistant';

  @ApiProperty({ enum: ['in_progress', 'completed', 'incomplete'] })
  status!: 'in_progress' | 'completed' | 'incomplete';

  content!: TextPartDto[];
}

export class ResponseErrorDto {
  /** @example "model_failed" */
  code!: string;
  message!: string;
}

export class IncompleteDetailsDto {
  @ApiProperty({ enum: ['max_output_tokens', 'content_filter', 'interrupted', 'cancelled'] })
  reason!: string;
}

export class ResponseConversationDto {
  /** @example "conv_019aa1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b" */
  id!: string;
}

const Null = (): PropertyDecorator =>
  ApiProperty({ type: Object, nullable: true, description: 'Always null.' });

/** A pair as OpenAI's API shows it. */
export class ResponseDto {
  /** `resp_<response_id>`. @example "resp_019aa1b3-0d4e-7a6b-9c8d-2e3f4a5b6c7d" */
  id!: string;

  @ApiProperty({ enum: ['response'] })
  object!: 'response';

  /** In seconds since 1970. */
  created_at!: number;

  /** Not kept: always null. */
  @ApiProperty({ type: Number, nullable: true })
  completed_at!: null;

  @ApiProperty({ enum: ['in_progress', 'completed', 'failed', 'incomplete', 'cancelled'] })
  status!: 'in_progress' | 'completed' | 'failed' | 'incomplete' | 'cancelled';

  @ApiProperty({ type: ResponseErrorDto, nullable: true })
  error!: ResponseErrorDto | null;

  @ApiProperty({ type: IncompleteDetailsDto, nullable: true })
  incomplete_details!: IncompleteDetailsDto | null;

  /** The system prompt. */
  @ApiProperty({ type: String, nullable: true })
  instructions!: string | null;

  /** Said in the answer to a request only. */
  @ApiProperty({ type: 'integer', nullable: true })
  max_output_tokens!: number | null;

  @Null()
  max_tool_calls!: null;

  /** @example "offline" */
  model!: string;

  /** Empty, or one message. */
  output!: MessageItemDto[];

  parallel_tool_calls!: boolean;

  /** The pair before this one on its path. */
  @ApiProperty({ type: String, nullable: true })
  previous_response_id!: string | null;

  /** The conversation of the pair; null where nothing is kept. */
  @ApiProperty({ type: ResponseConversationDto, nullable: true })
  conversation!: ResponseConversationDto | null;

  @Null()
  prompt_cache_key!: null;

  @Null()
  reasoning!: null;

  @Null()
  safety_identifier!: null;

  @ApiProperty({ enum: ['default'] })
  service_tier!: 'default';

  /** Whether it is kept. */
  store!: boolean;

  background!: boolean;

  /** Said in the answer to a request only; else 1. */
  @ApiProperty({ type: 'number', format: 'double' })
  temperature!: number;

  @ApiProperty({ type: 'object', additionalProperties: true })
  text!: { format: { type: 'text' } };

  @ApiProperty({ enum: ['auto'] })
  tool_choice!: 'auto';

  @ApiProperty({ type: 'array', items: { type: 'object' } })
  tools!: object[];

  top_logprobs!: number;

  /** Said in the answer to a request only; else 1. */
  @ApiProperty({ type: 'number', format: 'double' })
  top_p!: number;

  presence_penalty!: number;
  frequency_penalty!: number;

  @ApiProperty({ enum: ['auto', 'disabled'] })
  truncation!: 'auto' | 'disabled';

  @ApiProperty({ type: ResponseUsageDto, nullable: true })
  usage!: ResponseUsageDto | null;

  @Null()
  user!: null;

  /** That of the pair, and `branch_id`: the chat that it is in. */
  @ApiProperty({ type: 'object', additionalProperties: text })
  metadata!: Metadata;
}
