import { ApiProperty } from '@nestjs/swagger';
import { IsSaid, OneOf } from '../../common/fields.js';
import { Lenient } from '../../common/strict-input.guard.js';
import { CONTENT_BYTES_MAX } from './memory-sessions.dto.js';
import { ROLES, type SessionRole } from './session-store.js';

@Lenient()
export class PostChatSessionMessageDto {
  @ApiProperty({ enum: ROLES, example: 'user' })
  @OneOf(ROLES)
  role!: SessionRole;

  /** At most 128 KiB of UTF-8. @example "Where does the midnight sun begin?" */
  @IsSaid({ bytesMax: CONTENT_BYTES_MAX })
  content!: string;
}

export class ChatSessionMessageDto {
  @ApiProperty({ format: 'uuid', example: '019aa1b3-0d4e-7a6b-9c8d-2e3f4a5b6c7d' })
  id!: string;

  @ApiProperty({ enum: ROLES, example: 'user' })
  role!: SessionRole;

  /** @example "Where does the midnight sun begin?" */
  content!: string;

  created_at!: string;
}

export class ChatSessionDto {
  /** @example "support-42" */
  session_id!: string;

  /** In the order of their arrival. */
  messages!: ChatSessionMessageDto[];
}

export class ChatSessionCountDto {
  /** @example "support-42" */
  session_id!: string;

  /** @example 1 */
  message_count!: number;
}
