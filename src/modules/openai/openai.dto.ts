import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsBoolean, IsObject, IsOptional } from 'class-validator';
import { IsSaid } from '../../common/fields.js';
import { ANY_TEXT } from '../../common/text-patterns.js';
import { Lenient } from '../../common/strict-input.guard.js';
import { type ChatMessage, isGiven, messagesFault, ROLES } from './chat-messages.js';
import { Checked, MODEL_CHARS_MAX, Unsupported } from './checked-field.js';
import { Sampling, TokensMax } from './sampling-fields.js';

const STOPS_MAX = 4;
const text = { type: 'string' } as const;
const words = { ...text, pattern: ANY_TEXT } as const;

const STOP = { ...text, minLength: 1, pattern: ANY_TEXT };

const stopFault = (value: unknown): string | null => {
  const stops: unknown[] = Array.isArray(value) ? value : [value];
  const fits =
    stops.length <= STOPS_MAX && stops.every((stop) => typeof stop === 'string' && stop !== '');
  return fits ? null : `must be a string, or a list of at most ${STOPS_MAX}`;
};

const PARTS = {
  type: 'array',
  minItems: 1,
  items: {
    type: 'object',
    required: ['type', 'text'],
    properties: { type: { ...text, enum: ['text'] }, text: words },
  },
};
const messageOf = (
  roles: readonly string[],
  required: readonly string[],
  content: object[],
): object => ({
  type: 'object',
  required: ['role', ...required],
  properties: { role: { ...text, enum: roles }, content: { oneOf: content } },
});
/** Only an assistant may have said nothing. */
const ONE_OF_MESSAGE = {
  oneOf: [
    messageOf(
      ROLES.filter((role) => role !== 'assistant'),
      ['content'],
      [words, PARTS],
    ),
    messageOf(['assistant'], [], [words, PARTS, { type: 'null' }]),
  ],
} as object;

export class StreamOptionsDto {
  /** Send a last chunk with the usage. */
  include_usage?: boolean;
}

@Lenient()
export class CreateChatCompletionDto {
  /** A model of `GET /v1/models`. @example "offline" */
  @IsSaid({ charsMax: MODEL_CHARS_MAX })
  model!: string;

  /** The whole context, oldest first. Texts only; what systems and developers say is put first. */
  @ApiProperty({ type: 'array', minItems: 1, items: ONE_OF_MESSAGE })
  @Checked(messagesFault)
  messages!: ChatMessage[];

  /** Answer as server-sent events. */
  @ApiPropertyOptional({ type: Boolean, nullable: true, default: false })
  @IsOptional()
  @IsBoolean({ message: 'must be true or false' })
  stream?: boolean | null;

  @ApiPropertyOptional({ type: StreamOptionsDto, nullable: true })
  @IsOptional()
  @IsObject({ message: 'must be an object' })
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

  /** Not supported: must be absent or empty. */
  @ApiPropertyOptional({ type: 'array', items: { type: 'object' }, maxItems: 0, nullable: true })
  @Unsupported('tools are not supported here; leave the field out')
  tools?: unknown;

  /** Not supported: must be absent or empty. */
  @ApiPropertyOptional({ type: 'array', items: { type: 'object' }, maxItems: 0, nullable: true })
  @Unsupported('tools are not supported here; leave the field out')
  functions?: unknown;

  /** One answer for each request. */
  @ApiPropertyOptional({ type: 'integer', nullable: true, minimum: 1, maximum: 1 })
  @Unsupported('must be 1: one answer for each request', (value) => !isGiven(value) || value === 1)
  n?: unknown;

  /** Only `{"type": "text"}`. */
  @ApiPropertyOptional({
    oneOf: [
      {
        type: 'object',
        required: ['type'],
        properties: { type: { ...text, enum: ['text'] } },
        additionalProperties: true,
      },
      { type: 'null' },
    ],
  })
  @Unsupported(
    'only {"type": "text"} is supported here',
    (value) => !isGiven(value) || (value as { type?: unknown }).type === 'text',
  )
  response_format?: unknown;
}

export class CompletionUsageDto {
  /** @example 12 */
  prompt_tokens!: number;
  /** @example 48 */
  completion_tokens!: number;
  /** @example 60 */
  total_tokens!: number;
}

export class CompletionMessageDto {
  @ApiProperty({ enum: ['assistant'] })
  role!: string;

  content!: string;

  /** Always null. */
  @ApiProperty({ type: String, nullable: true })
  refusal!: null;
}

export class CompletionChoiceDto {
  index!: number;
  message!: CompletionMessageDto;

  @ApiProperty({ enum: ['stop', 'length', 'content_filter'] })
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
