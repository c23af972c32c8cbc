import { ApiHideProperty, ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ArrayMaxSize, IsArray, IsObject, IsOptional } from 'class-validator';
import { ListOf } from '../../common/dto-reader.js';
import { IsCursor, IsSaid, OneOf, QueryBoolean, QueryInt, Optional } from '../../common/fields.js';
import { NAME_CHARS_MAX } from '../../common/name.js';
import { Stated } from '../../common/stated.js';
import { NAME_TEXT } from '../../common/text-patterns.js';
import { Lenient } from '../../common/strict-input.guard.js';
import type { AguiMessage } from './agui-message.js';
import {
  AGUI_SAYING,
  ANY_AGUI_MESSAGE,
  FORWARDED_PROPS,
  TOLD_AGUI_MESSAGE,
} from './agui-schemas.js';

const STATUSES = ['resolved', 'cancelled'] as const;
const MESSAGES_MAX = 10_000;
const TOOLS_MAX = 128;
const CONTEXT_MAX = 100;
const CALL_ID_CHARS_MAX = 200;
const FREE = {} as const;

export class AguiToolDto {
  @ApiProperty({ pattern: NAME_TEXT })
  @IsSaid({ charsMax: NAME_CHARS_MAX })
  name!: string;

  @IsOptional()
  @IsSaid({ blank: true })
  description?: string | null;

  /** A JSON schema. */
  @ApiPropertyOptional({ type: 'object', additionalProperties: true })
  @IsOptional()
  @IsObject({ message: 'must be an object' })
  parameters?: Record<string, unknown>;

  /**
   * Kept in `settings.metadata`. With `interrupt: true` a call of the tool ends its run with an
   * interrupt, which the next run answers in `resume`.
   */
  @ApiPropertyOptional({ type: 'object', additionalProperties: true })
  @IsOptional()
  @IsObject({ message: 'must be an object' })
  metadata?: Record<string, unknown>;
}

export class AguiContextDto {
  @IsSaid({ blank: true })
  description!: string;

  @IsSaid({ blank: true })
  value!: string;
}

/** An answer to an interrupt. */
export class AguiResumeDto {
  /** The id of the call that was interrupted. */
  @ApiProperty({ pattern: NAME_TEXT })
  @IsSaid({ charsMax: CALL_ID_CHARS_MAX })
  interruptId!: string;

  @OneOf(STATUSES)
  status!: (typeof STATUSES)[number];

  /** What the tool gives to the model. */
  @ApiPropertyOptional(FREE)
  @IsOptional()
  payload?: unknown;

  /** Kept with the question. */
  @ApiPropertyOptional({ type: 'object', additionalProperties: true })
  @IsOptional()
  @IsObject({ message: 'must be an object' })
  metadata?: Record<string, unknown> | null;
}

/** What clients of AG-UI send (`RunAgentInput`). Fields of a page's own are kept. */
@Lenient()
export class RunAgentInputDto {
  /**
   * A `chat_id`, or an id that the client made up: the first run makes a chat for it.
   * @example "trip-to-the-north"
   */
  @IsSaid({ charsMax: NAME_CHARS_MAX })
  threadId!: string;

  /** Told again in the events of the run. @example "run-1" */
  @IsSaid({ charsMax: NAME_CHARS_MAX })
  runId!: string;

  /**
   * All messages of the path, the new ones last. Of the earlier ones the ids of answers are read,
   * which say where the new ones go.
   */
  @ApiProperty({ type: 'array', maxItems: MESSAGES_MAX, items: ANY_AGUI_MESSAGE })
  @IsArray({ message: 'must be a list' })
  @ArrayMaxSize(MESSAGES_MAX)
  @IsObject({ each: true, message: 'must hold objects' })
  messages!: Record<string, unknown>[];

  /** Tools that the page runs. */
  @IsOptional()
  @ListOf(() => AguiToolDto, TOOLS_MAX)
  tools?: AguiToolDto[] | null;

  /** Told to the model for this run, behind the system prompt of the chat. */
  @IsOptional()
  @ListOf(() => AguiContextDto, CONTEXT_MAX)
  context?: AguiContextDto[] | null;

  /** The state of the page, kept with the question and told again by a replay; not to models. */
  @ApiPropertyOptional(FREE)
  @IsOptional()
  state?: unknown;

  /**
   * `model` names the model that answers, when it is an object with that field. All of it is kept,
   * as a text, in `settings.metadata`.
   */
  @ApiPropertyOptional(FORWARDED_PROPS)
  @IsOptional()
  forwardedProps?: unknown;

  /** Answers to the interrupts of the run before: they are the results of its calls. */
  @IsOptional()
  @ListOf(() => AguiResumeDto, TOOLS_MAX)
  resume?: AguiResumeDto[] | null;

  /** Kept in `settings.metadata`. */
  @IsOptional()
  @IsSaid({ charsMax: NAME_CHARS_MAX })
  parentRunId?: string | null;

  /** Any: 1.0 is spoken here. @example "1.0" */
  @IsOptional()
  @IsSaid({ charsMax: NAME_CHARS_MAX })
  protocolVersion?: string | null;

  /** Fields that are not known here, as they came. */
  @ApiHideProperty()
  own?: Record<string, unknown>;
}

/** A run; a replay says nothing. */
@Stated(AGUI_SAYING)
export class RunAgentDto extends RunAgentInputDto {}

/** What is known of the body of `RunAgentInputDto`. */
export const RUN_FIELDS: ReadonlySet<string> = new Set<Exclude<keyof RunAgentInputDto, 'own'>>([
  ...(['threadId', 'runId', 'messages', 'tools', 'context', 'state'] as const),
  ...(['forwardedProps', 'resume', 'parentRunId', 'protocolVersion'] as const),
]);

export class ListThreadsQuery {
  @ApiPropertyOptional({ minimum: 1, maximum: 100, default: 50 })
  @Optional()
  @QueryInt(1, 100)
  limit: number = 50;

  /** `nextCursor` of the page before. */
  @Optional()
  @IsCursor()
  cursor?: string;

  /** Only the archived ones, or only the others. */
  @Optional()
  @QueryBoolean()
  archived?: boolean;
}

export class ThreadMessagesQuery {
  /** Pairs, each of some messages. */
  @ApiPropertyOptional({ minimum: 1, maximum: 100, default: 50 })
  @Optional()
  @QueryInt(1, 100)
  limit: number = 50;

  /** `previousCursor` of the page behind. */
  @Optional()
  @IsCursor()
  before?: string;
}

export class AguiThreadDto {
  /** The id that the client made up, else the `chat_id`. */
  id!: string;
  /** The `chat_id` of the root. */
  @ApiProperty({ format: 'uuid' })
  chatId!: string;
  @ApiProperty({ type: String, nullable: true })
  name!: string | null;
  archived!: boolean;
  @ApiProperty({ format: 'date-time' })
  createdAt!: string;
  @ApiProperty({ format: 'date-time' })
  updatedAt!: string;
}

export class AguiThreadsDto {
  /** Newest first. */
  threads!: AguiThreadDto[];
  @ApiProperty({ type: String, nullable: true })
  nextCursor!: string | null;
}

export class AguiHistoryDto {
  threadId!: string;
  /** The `chat_id` of the active branch. */
  @ApiProperty({ format: 'uuid' })
  chatId!: string;
  /** Of the active branch, oldest first. */
  @ApiProperty({ type: 'array', items: TOLD_AGUI_MESSAGE })
  messages!: AguiMessage[];
  /** The state that the page sent last; absent where it sent none. */
  @ApiPropertyOptional(FREE)
  state?: unknown;
  /** Leads to older messages; null where there are none. */
  @ApiProperty({ type: String, nullable: true })
  previousCursor!: string | null;
}

export class AguiStoppedDto {
  /** The `response_id` of the answer that was ended; null when none was being written. */
  @ApiProperty({ type: String, format: 'uuid', nullable: true })
  stopped!: string | null;
}

export class AguiAgentDto {
  name!: string;
  description!: string;
}

/** What CopilotKit's client asks of its runtime. */
export class AguiInfoDto {
  version!: string;
  /** `default` is the model of the chat; the others are models by their names. */
  @ApiProperty({
    type: 'object',
    additionalProperties: { $ref: '#/components/schemas/AguiAgentDto' },
  })
  agents!: Record<string, AguiAgentDto>;
  audioFileTranscriptionEnabled!: boolean;
  /** @example "sse" */
  mode!: string;
}
