import { ApiHideProperty, ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsBoolean, IsInt, IsOptional, Max, Min } from 'class-validator';
import { IsSaid, OneOf, Optional, QueryBoolean, QueryInt } from '../../common/fields.js';
import { GIVEN, having, Stated } from '../../common/stated.js';
import { Lenient } from '../../common/strict-input.guard.js';
import { SAID_TEXT } from '../../common/text-patterns.js';
import type { FunctionTool, TextFormat, ToolChoice } from '../../llm/settings.js';
import { Checked, MODEL_CHARS_MAX, Nullable } from './checked-field.js';
import { RefusesBy, RESPONSE_FIELDS } from './field-fates.js';
import { reasoningFault, textFault } from './format-fields.js';
import { type Input, inputFault } from './input-items.js';
import { INPUT_ITEM_SCHEMA } from './input-schemas.js';
import { conversationIn, NAME_PATTERNS } from './openai-ids.js';
import { type Metadata, RESPONSE_NOTES, responseNotesFault } from './openai-metadata.js';
import { Penalty, Sampling, TokensMax } from './sampling-fields.js';
import {
  REASONING_SCHEMA,
  TEXT_SCHEMA,
  TOOL_CHOICE_SCHEMA,
  TOOLS_SCHEMA,
} from './setting-schemas.js';
import { toolChoiceFault, toolsFault } from './tool-fields.js';

export const PROMPT_BYTES_MAX = 32 * 1024;
const NAME_CHARS_MAX = 512;
const CALLS_MAX = 1_000_000;
const text = { type: 'string' } as const;
const CONVERSATION = { ...text, pattern: NAME_PATTERNS.conversation };
const said = { ...text, minLength: 1, pattern: SAID_TEXT };

const conversationFault = (value: unknown): string | null => {
  const name = typeof value === 'object' && value !== null ? (value as { id?: unknown }).id : value;
  return conversationIn(name)
    ? null
    : 'must be conv_<chat_id> or conv_<chat_id>:branch_<chat_id>, or an object with that id';
};

/** What asks for nothing that is not there: calls of such tools do not come up here. */
const INCLUDABLE = [
  'reasoning.encrypted_content',
  'file_search_call.results',
  'web_search_call.results',
  'web_search_call.action.sources',
  'message.input_image.image_url',
  'computer_call_output.output.image_url',
  'code_interpreter_call.outputs',
];
const includeFault = (value: unknown): string | null =>
  Array.isArray(value) && value.every((one) => INCLUDABLE.includes(one as string))
    ? null
    : `can have only: ${INCLUDABLE.join(', ')}`;

/** Both say where it goes on. */
export const TWO_PLACES = having({ previous_response_id: GIVEN, conversation: GIVEN });
const NOT_KEPT = { store: { enum: [false] } };

@Lenient()
@Stated({
  not: {
    anyOf: [
      TWO_PLACES,
      having({ ...NOT_KEPT, previous_response_id: GIVEN }),
      having({ ...NOT_KEPT, conversation: GIVEN }),
      having({ ...NOT_KEPT, background: { enum: [true] } }),
    ],
  },
})
@RefusesBy(RESPONSE_FIELDS)
export class CreateResponseDto {
  /**
   * A model of `GET /v1/models`; that of the chat, or the server's default, when absent.
   * @example "offline"
   */
  @ApiPropertyOptional({ type: String, nullable: true })
  @IsOptional()
  @IsSaid({ charsMax: MODEL_CHARS_MAX })
  model?: string | null;

  /**
   * What is asked, as text or as items, the question last. Where what was said before is sent
   * along, its place is found, and only what is new is stored.
   */
  @ApiProperty({ oneOf: [said, { type: 'array', minItems: 1, items: INPUT_ITEM_SCHEMA }] })
  @Checked(inputFault)
  input!: Input;

  /**
   * What the model is told to be, in the place of the chat's system prompt and for this answer
   * alone. At most 32 KiB.
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
  @Checked((value) => (typeof value === 'string' ? null : 'must be an id like resp_…'))
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

  /** Answer at once, while the model answers behind; read the response later. */
  @ApiPropertyOptional({ type: Boolean, nullable: true, default: false })
  @IsOptional()
  @IsBoolean({ message: 'must be true or false' })
  background?: boolean | null;

  /**
   * At most 16 texts, kept as the `metadata` of the pair. `branch_id`: the branch in which it goes
   * on.
   */
  @Nullable({ ...RESPONSE_NOTES, nullable: true }, responseNotesFault)
  metadata?: Metadata | null;

  /** How long the answer may become, in tokens. */
  @TokensMax()
  max_output_tokens?: number | null;

  @Sampling(2)
  temperature?: number | null;

  @Sampling(1)
  top_p?: number | null;

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
  @Nullable(TOOLS_SCHEMA, toolsFault)
  tools?: FunctionTool[] | null;

  /** Whether the model may or must call them, or which. */
  @Nullable(TOOL_CHOICE_SCHEMA, toolChoiceFault)
  tool_choice?: ToolChoice | null;

  /** Whether it may call several at once. */
  @ApiPropertyOptional({ type: Boolean, nullable: true })
  @IsOptional()
  @IsBoolean({ message: 'must be true or false' })
  parallel_tool_calls?: boolean | null;

  /** Kept and told again. It bounds tools that run at the server, and here none do. */
  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: CALLS_MAX, nullable: true })
  @IsOptional()
  @IsInt({ message: 'must be a whole number' })
  @Min(1, { message: 'must be at least 1' })
  @Max(CALLS_MAX, { message: `must be at most ${CALLS_MAX}` })
  max_tool_calls?: number | null;

  /** The form of the answer, and how long-winded it is. */
  @Nullable(TEXT_SCHEMA, textFault)
  text?: { format?: TextFormat | null; verbosity?: string | null } | null;

  /** How much the model thinks, and whether what it thought is shown as a summary. */
  @Nullable(REASONING_SCHEMA, reasoningFault)
  reasoning?: {
    effort?: string | null;
    summary?: string | null;
    generate_summary?: string | null;
  } | null;

  /** What is shown besides. The thoughts of a model are, as its provider gave them. */
  @Nullable({ type: 'array', items: { ...text, enum: INCLUDABLE }, nullable: true }, includeFault)
  include?: string[] | null;

  /**
   * What happens where the path is too long for the model: `auto` cuts it from the oldest pair on,
   * `disabled` refuses.
   */
  @ApiPropertyOptional({ type: String, enum: ['auto', 'disabled', null], nullable: true })
  @IsOptional()
  @OneOf(['auto', 'disabled'])
  truncation?: 'auto' | 'disabled' | null;

  /** Kept and told again. */
  @ApiPropertyOptional({ type: String, nullable: true })
  @IsOptional()
  @IsSaid({ charsMax: NAME_CHARS_MAX, blank: true })
  prompt_cache_key?: string | null;

  /** Kept and told again. */
  @ApiPropertyOptional({ type: String, nullable: true })
  @IsOptional()
  @IsSaid({ charsMax: NAME_CHARS_MAX, blank: true })
  prompt_cache_retention?: string | null;

  /** Kept and told again. */
  @ApiPropertyOptional({ type: String, nullable: true })
  @IsOptional()
  @IsSaid({ charsMax: NAME_CHARS_MAX, blank: true })
  safety_identifier?: string | null;

  /** Kept and told again. */
  @ApiPropertyOptional({ type: String, nullable: true })
  @IsOptional()
  @IsSaid({ charsMax: NAME_CHARS_MAX, blank: true })
  user?: string | null;

  /** Fields of the body that are none of these (`furtherFields`). */
  @ApiHideProperty()
  more?: Record<string, unknown>;
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
