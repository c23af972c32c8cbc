import {
  ApiHideProperty,
  ApiProperty,
  ApiPropertyOptional,
  type ApiPropertyOptions,
} from '@nestjs/swagger';
import { ArrayMaxSize, IsArray, IsObject, IsOptional, ValidateBy } from 'class-validator';
import { ListOf, ObjectOf } from '../../common/dto-reader.js';
import { IsSaid, OneOf, Optional } from '../../common/fields.js';
import { NAME_CHARS_MAX } from '../../common/name.js';
import { Stated } from '../../common/stated.js';
import { Lenient } from '../../common/strict-input.guard.js';
import { QUESTION_BYTES_MAX } from '../../tree/part-rules.js';
import { PARTS_MAX, type UiPart } from './ui-parts.js';
import {
  ANY_UI_MESSAGE,
  ONE_UI_MESSAGE,
  UI_CALL_SETTINGS,
  UI_CONFIG,
  UI_SAYING,
  UI_TOOLS,
} from './ui-schemas.js';

const ROLES = ['system', 'user', 'assistant'] as const;
const TRIGGERS = ['submit-message', 'regenerate-message'] as const;
const MESSAGES_MAX = 10_000;

const IsObjectOrList = (): PropertyDecorator =>
  ValidateBy({
    name: 'isObjectOrList',
    validator: {
      validate: (value) => typeof value === 'object',
      defaultMessage: () => 'must be an object of tools by their names, or a list of them',
    },
  });

/** A `UIMessage` of the AI SDK, as far as it is read here; the document has it by its roles. */
@Lenient()
export class UiMessageDto {
  /** Of an answer: its `response_id`, as `start` told it. */
  @IsSaid({ charsMax: NAME_CHARS_MAX })
  id!: string;

  @OneOf(ROLES)
  role!: (typeof ROLES)[number];

  /**
   * Of a person's new message all are kept: text, files (a `data:` URL becomes a file of the
   * account), data, and any other as it is. Of an answer the results of tools are read.
   */
  @IsOptional()
  @IsArray({ message: 'must be a list' })
  @ArrayMaxSize(PARTS_MAX)
  @IsObject({ each: true, message: 'must hold objects' })
  parts?: Partial<UiPart>[];

  /**
   * Of a new message: any small object (64 keys, 16 KiB), kept with the pair. What this server told
   * in it (`branchId`, `seq` …) is left out.
   */
  @IsOptional()
  metadata?: unknown;

  /** The text, where a client sends no parts. */
  @IsOptional()
  @IsSaid({ blank: true })
  content?: string;
}

/** What `useChat` sends, and assistant-ui. Fields of a page's own are kept: `settings.metadata`. */
@Lenient()
@Stated(UI_SAYING)
export class UiChatDto {
  /**
   * A `chat_id`, or an id that the client made up: the first message makes a chat for it.
   * @example "trip-to-the-north"
   */
  @IsSaid({ charsMax: NAME_CHARS_MAX })
  id!: string;

  /**
   * All messages of the path, the new one last. Of the earlier answers the ids are read, which say
   * where the new one goes, and results of tools that are new. What systems say is told to the
   * model. An answer with results of its calls as the last one goes on with that message.
   */
  @ApiPropertyOptional({ type: 'array', items: ANY_UI_MESSAGE, maxItems: MESSAGES_MAX })
  @Optional()
  @ListOf(() => UiMessageDto, MESSAGES_MAX)
  messages?: UiMessageDto[];

  /** The new message alone; it goes to the end of the active branch. */
  @ApiPropertyOptional({ type: 'object', additionalProperties: true, ...ONE_UI_MESSAGE })
  @Optional()
  @ObjectOf(() => UiMessageDto)
  message?: UiMessageDto;

  /**
   * What the model is told to be, for this answer, in the place of the chat's system prompt. At
   * most 128 KiB of UTF-8.
   */
  @IsOptional()
  @IsSaid({ blank: true, bytesMax: QUESTION_BYTES_MAX })
  system?: string;

  /**
   * Tools that the page runs: JSON schemas by the names of the tools (`{weather: {description?,
   * parameters}}`, as assistant-ui sends them), or a list of functions with names.
   */
  @ApiPropertyOptional({ oneOf: UI_TOOLS })
  @IsOptional()
  @IsObjectOrList()
  tools?: object;

  /** The model that answers; that of the chat when absent. @example "offline" */
  @IsOptional()
  @IsSaid({ charsMax: NAME_CHARS_MAX })
  model?: string;

  /** What the model is set to, as assistant-ui says it: `maxTokens`, `temperature`, `topP` … */
  @ApiPropertyOptional(UI_CALL_SETTINGS as ApiPropertyOptions)
  @IsOptional()
  @IsObject({ message: 'must be an object' })
  callSettings?: Record<string, unknown>;

  /** `modelName` is as `model`; an address or a key of a provider is refused. */
  @ApiPropertyOptional(UI_CONFIG as ApiPropertyOptions)
  @IsOptional()
  @IsObject({ message: 'must be an object' })
  config?: Record<string, unknown>;

  /** Of the request: kept with the pair, as texts, in `settings.metadata`. */
  @ApiPropertyOptional({ type: 'object', additionalProperties: true })
  @IsOptional()
  @IsObject({ message: 'must be an object' })
  metadata?: Record<string, unknown>;

  /** Fields that are not known here, as they came. */
  @ApiHideProperty()
  own?: Record<string, unknown>;

  @ApiPropertyOptional({ enum: TRIGGERS, default: 'submit-message' })
  @Optional()
  @OneOf(TRIGGERS)
  trigger?: (typeof TRIGGERS)[number];

  /** With `regenerate-message`: the answer to make anew; the last one when it is absent. */
  @IsOptional()
  @IsSaid({ charsMax: NAME_CHARS_MAX })
  messageId?: string;
}

export class UiStoredMessageDto {
  id!: string;
  /** `system`, `user` or `assistant`. */
  role!: string;
  /** As the page had them when they were told or said. */
  @ApiProperty({ type: 'array', items: { type: 'object', additionalProperties: true } })
  parts!: UiPart[];
  metadata!: Record<string, unknown>;
}

export class UiChatStateDto {
  /** As it was asked for. */
  id!: string;
  /** The `chat_id` of the active branch. */
  chat_id!: string;
  /**
   * The newest messages of the active branch (of 100 pairs at most), oldest first: `messages` for
   * `useChat`.
   */
  messages!: UiStoredMessageDto[];
}

export class UiStoppedDto {
  /** The `response_id` of the answer that was ended; null when none was being written. */
  @ApiProperty({ type: String, format: 'uuid', nullable: true })
  stopped!: string | null;
}

/** What is known of the body of `UiChatDto`. */
export const UI_CHAT_FIELDS: ReadonlySet<string> = new Set<Exclude<keyof UiChatDto, 'own'>>([
  ...(['id', 'messages', 'message', 'trigger', 'messageId'] as const),
  ...(['system', 'tools', 'model', 'callSettings', 'config', 'metadata'] as const),
]);
