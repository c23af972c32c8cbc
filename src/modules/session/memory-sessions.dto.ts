import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Read } from '../../common/dto-reader.js';
import { IsSaid, OneOf, Optional } from '../../common/fields.js';
import { Lenient } from '../../common/strict-input.guard.js';
import { isLonger } from '../../common/text-length.js';

export const CONTENT_BYTES_MAX = 128 * 1024;
const USER_CHARS_MAX = 200;
const MEMORY_ROLES = ['user', 'assistant'] as const;
export type MemoryRole = (typeof MEMORY_ROLES)[number];

const TrimLowerCase = () =>
  Read((value) => {
    const trimmed = typeof value === 'string' ? value.trim() : value;
    // What is too long is refused as it is.
    return typeof trimmed === 'string' && !isLonger(trimmed, USER_CHARS_MAX)
      ? trimmed.toLowerCase()
      : trimmed;
  });

@Lenient()
export class StartSessionDto {
  /** Trimmed and read in lower case. @example "Ada" */
  @TrimLowerCase()
  @IsSaid({ charsMax: USER_CHARS_MAX })
  @ApiProperty({ minLength: 1, maxLength: USER_CHARS_MAX })
  session_user!: string;
}

export class StartedSessionDto {
  /** 1, 2, 3… for each account. */
  @ApiProperty({ type: 'integer', minimum: 1, example: 1 })
  session_id!: number;

  /** @example "ada" */
  session_user!: string;

  created_at!: string;
}

@Lenient()
export class PostSessionMessageDto {
  @ApiProperty({ enum: MEMORY_ROLES, example: 'user' })
  @OneOf(MEMORY_ROLES)
  role!: MemoryRole;

  /** At most 128 KiB of UTF-8. @example "Where does the midnight sun begin?" */
  @IsSaid({ bytesMax: CONTENT_BYTES_MAX })
  content!: string;
}

export class SessionMessageDto {
  @ApiProperty({ enum: MEMORY_ROLES, example: 'user' })
  role!: MemoryRole;

  /** @example "Where does the midnight sun begin?" */
  content!: string;
}

@Lenient()
export class SessionMessagesQuery {
  /** Only the messages of this role. */
  @ApiPropertyOptional({ enum: MEMORY_ROLES })
  @Optional()
  @OneOf(MEMORY_ROLES)
  role?: MemoryRole;
}
