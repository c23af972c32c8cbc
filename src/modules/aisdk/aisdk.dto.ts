import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ArrayMaxSize, IsArray, IsObject, IsOptional } from 'class-validator';
import { ListOf, ObjectOf } from '../../common/dto-reader.js';
import { IsSaid, OneOf, Optional } from '../../common/fields.js';
import { NAME_CHARS_MAX } from '../../common/name.js';
import { Lenient } from '../../common/strict-input.guard.js';
import { QUESTION_BYTES_MAX } from '../message/message.dto.js';

const ROLES = ['system', 'user', 'assistant'] as const;
const TRIGGERS = ['submit-message', 'regenerate-message'] as const;
const MESSAGES_MAX = 10_000;
const PARTS_MAX = 1000;

/** A `UIMessage` of the AI SDK, as far as it is read here. */
@Lenient()
export class UiMessageDto {
  /** Of an answer: its `response_id`, as `start` told it. @example "msg-1" */
  @IsSaid({ charsMax: NAME_CHARS_MAX })
  id!: string;

  @OneOf(ROLES)
  role!: (typeof ROLES)[number];

  /** Those of the type `text` are read. */
  @ApiPropertyOptional({ type: 'array', items: { type: 'object', additionalProperties: true } })
  @IsOptional()
  @IsArray({ message: 'must be a list' })
  @ArrayMaxSize(PARTS_MAX)
  @IsObject({ each: true, message: 'must hold objects' })
  parts?: { type?: unknown; text?: unknown }[];

  /**
   * Of a new message: any small object (64 keys, 16 KiB), kept with the pair. What this server told
   * in it (`branchId`, `seq` …) is left out.
   */
  @ApiPropertyOptional({ type: 'object', additionalProperties: true, nullable: true })
  @IsOptional()
  metadata?: unknown;

  /** The text, where a client sends no parts. */
  @IsOptional()
  @IsSaid({ blank: true })
  content?: string;
}

/** What `useChat` sends. Other fields are ignored. */
@Lenient()
export class UiChatDto {
  /**
   * A `chat_id`, or an id that the client made up: the first message makes a chat for it. @example
   * "trip-to-the-north"
   */
  @IsSaid({ charsMax: NAME_CHARS_MAX })
  id!: string;

  /**
   * All messages of the path, the new one last. Of the earlier ones only the ids are read: they say
   * where the new one goes. What systems say among them is told to the model.
   */
  @Optional()
  @ListOf(() => UiMessageDto, MESSAGES_MAX)
  messages?: UiMessageDto[];

  /** The new message alone; it goes to the end of the active branch. */
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
  /** `user` or `assistant`. */
  role!: string;
  parts!: { type: 'text'; text: string }[];
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
