import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsBoolean, ValidateBy } from 'class-validator';
import { IsSaid, Optional, QueryInt } from '../../common/fields.js';
import { isUuid } from '../../common/ids.js';
import { invalidField } from '../../common/problems.js';
import { Lenient } from '../../common/strict-input.guard.js';
import { QUESTION_BYTES_MAX } from '../message/message.dto.js';

const SENDER_CHARS_MAX = 200;
const NUMBER = /^-?\d+$/;
const CHAT_NAME_RULE = 'must be the number or the UUID of a chat';
const UUID_EXAMPLE = '019aa1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b';

export const isChatName = (value: unknown): value is string => typeof value === 'string' && (NUMBER.test(value) || isUuid(value));

/** The number or the UUID of a chat in a path. @throws 422 that names it */
export function checkedChatName(value: string): string {
  if (!isChatName(value)) throw invalidField('chat_uuid', CHAT_NAME_RULE);
  return value.toLowerCase();
}

/** The number (also as a JSON number) or the UUID of a chat; read as text, in lower case. */
const IsChatName = (): PropertyDecorator =>
  applyDecorators(
    ApiProperty({
      oneOf: [
        { type: 'string', format: 'uuid' },
        { type: 'integer', minimum: 1 },
      ],
      example: UUID_EXAMPLE,
    }),
    Transform(({ value }: { value: unknown }) =>
      typeof value === 'string' ? value.toLowerCase() : Number.isSafeInteger(value) ? String(value) : value,
    ),
    ValidateBy({ name: 'isChatName', validator: { validate: isChatName, defaultMessage: () => CHAT_NAME_RULE } }),
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
  @ApiPropertyOptional({ type: Boolean, default: false })
  @Optional()
  @IsBoolean({ message: 'must be true or false' })
  system?: boolean;
}

@Lenient()
export class PostMessageDto extends FirstMessageDto {
  /** The chat, by its number or its UUID. */
  @IsChatName()
  chat_uuid!: string;
}

@Lenient()
export class ReadMessagesQuery {
  /** The chat, by its number or its UUID. */
  @IsChatName()
  chat_uuid!: string;

  /** How many messages a page has at most. */
  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: 100, default: 50 })
  @Optional()
  @QueryInt(1, 100)
  limit: number = 50;

  /** From the `Link` of the page before. */
  @ApiPropertyOptional({ type: String })
  @Optional()
  @IsSaid({ charsMax: 200 })
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

  /** 1, 2, 3… for each account; null for a chat that was made elsewhere. */
  @ApiProperty({ type: 'integer', nullable: true, minimum: 1, example: 1 })
  chat_id!: number | null;

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
