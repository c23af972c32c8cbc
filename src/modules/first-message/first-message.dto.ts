import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional, IntersectionType } from '@nestjs/swagger';
import { IsBoolean, IsOptional, ValidateBy, ValidateIf } from 'class-validator';
import { Read } from '../../common/dto-reader.js';
import { IsCursor, IsSaid, Optional, QueryInt } from '../../common/fields.js';
import { isUuid } from '../../common/ids.js';
import { invalidField } from '../../common/problems.js';
import { Lenient } from '../../common/strict-input.guard.js';
import { QUESTION_BYTES_MAX } from '../../tree/part-rules.js';

const SENDER_CHARS_MAX = 200;
const NUMBER = /^[1-9]\d*$/;
const CHAT_NAME_RULE = 'must be the number or the UUID of a chat';
const UUID_EXAMPLE = '019aa1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b';

const isGiven = (value: unknown): boolean => value !== undefined && value !== null;

const isChatName = (value: unknown): value is string =>
  typeof value === 'string' && (NUMBER.test(value) || isUuid(value));

/** The number or the UUID of a chat in a path. @throws 422 that names it */
export function checkedChatName(value: string): string {
  if (!isChatName(value)) throw invalidField('chat_uuid', CHAT_NAME_RULE);
  return value.toLowerCase();
}

/** The number (also as a JSON number) or the UUID of a chat; read as text, in lower case. */
const IsChatName = (): PropertyDecorator =>
  applyDecorators(
    ApiPropertyOptional({
      oneOf: [
        { type: 'string', format: 'uuid' },
        { type: 'integer', minimum: 1 },
      ],
      example: UUID_EXAMPLE,
    }),
    Read((value) =>
      isChatName(value)
        ? value.toLowerCase()
        : Number.isInteger(value)
          ? BigInt(value as number).toString()
          : value,
    ),
    ValidateBy({
      name: 'isChatName',
      validator: { validate: isChatName, defaultMessage: () => CHAT_NAME_RULE },
    }),
  );

@Lenient()
export class FirstMessageDto {
  /** At most 128 KiB of UTF-8. @example "Where does the midnight sun begin?" */
  @IsSaid({ bytesMax: QUESTION_BYTES_MAX })
  text!: string;

  /** Who says it. @example "Ada" */
  @IsSaid({ charsMax: SENDER_CHARS_MAX })
  @ApiProperty({ minLength: 1, maxLength: SENDER_CHARS_MAX })
  sender!: string;

  /** Whether it is a notice and not something that a person says. */
  @ApiPropertyOptional({ type: Boolean, nullable: true, default: false })
  @IsOptional()
  @IsBoolean({ message: 'must be true or false' })
  system?: boolean | null;
}

/** Which chat, under either name. */
export class ChatNameDto {
  /** The chat, by its number or its UUID. Either this or `chat_id` must be there. */
  @ValidateIf(({ chat_uuid, chat_id }: ChatNameDto) => isGiven(chat_uuid) || !isGiven(chat_id))
  @IsChatName()
  chat_uuid?: string;

  /** The same, by its number or its UUID too; it counts where `chat_uuid` is absent. */
  @ValidateIf(({ chat_id }: ChatNameDto) => isGiven(chat_id))
  @IsChatName()
  chat_id?: string;
}

/** The number or the UUID that a checked body or query names a chat by. */
export const chatNameOf = ({ chat_uuid, chat_id }: ChatNameDto): string | undefined =>
  chat_uuid ?? chat_id;

@Lenient()
export class PostMessageDto extends IntersectionType(FirstMessageDto, ChatNameDto) {}

@Lenient()
export class ReadMessagesQuery {
  /** The chat, by its number or its UUID; all chats of the account where none is named. */
  @Optional()
  @IsChatName()
  chat_uuid?: string;

  /** The same; it counts where `chat_uuid` is absent. */
  @Optional()
  @IsChatName()
  chat_id?: string;

  /** How many messages a page has at most. */
  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: 100, default: 50 })
  @Optional()
  @QueryInt(1, 100)
  limit: number = 50;

  /** From the `Link` of the page before. */
  @ApiPropertyOptional({ type: String })
  @Optional()
  @IsCursor()
  cursor?: string;
}

export class LastMessageDto {
  /** @example "Where does the midnight sun begin?" */
  text!: string;

  /** @example "Ada" */
  sender!: string;

  created_at!: string;

  /** @example false */
  system!: boolean;
}

export class NumberedMessageDto extends LastMessageDto {
  /** The `response_id` of the QA pair; with `.response` behind it, the pair's answer. */
  @ApiProperty({ example: '019aa1b3-0d4e-7a6b-9c8d-2e3f4a5b6c7d' })
  id!: string;

  /**
   * 1, 2, 3… for each account. A chat that was made elsewhere gets its number when a route here
   * first names it.
   */
  @ApiProperty({ type: 'integer', minimum: 1, example: 1 })
  chat_id!: number;

  @ApiProperty({ format: 'uuid', example: UUID_EXAMPLE })
  chat_uuid!: string;
}

export class FirstMessageAnswerDto {
  /** 1, 2, 3… for each account. */
  @ApiProperty({ type: 'integer', minimum: 1, example: 1 })
  chat_id!: number;

  @ApiProperty({ format: 'uuid', example: UUID_EXAMPLE })
  chat_uuid!: string;

  message!: NumberedMessageDto;
}
