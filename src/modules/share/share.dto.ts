import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsBoolean, ValidateIf } from 'class-validator';
import { IsId, IsInstant, Optional } from '../../common/fields.js';
import { QaPairDto } from '../chat/pair.dto.js';

export class ShareChatDto {
  /** The last pair that the link shows, unless it follows; the newest one when absent. */
  @ApiPropertyOptional({ type: String, format: 'uuid', nullable: true })
  @ValidateIf((body: ShareChatDto) => body.response_id !== undefined && body.response_id !== null)
  @IsId()
  response_id?: string | null;

  /** Shows what is said later too, behind a `response_id` as well. */
  @ApiPropertyOptional({ type: Boolean, default: false })
  @Optional()
  @IsBoolean({ message: 'must be true or false' })
  follow?: boolean;

  /** When the link ends; never when absent. @example "2099-01-31T00:00:00Z" */
  @ApiPropertyOptional({ type: String, format: 'date-time', nullable: true })
  @ValidateIf((body: ShareChatDto) => body.expires_at !== undefined && body.expires_at !== null)
  @IsInstant()
  expires_at?: string | null;
}

export class ShareDto {
  share_id!: string;
  chat_id!: string;
  /** The last pair that is shown; null where the link follows the branch. */
  response_id!: string | null;
  follow!: boolean;
  expires_at!: string | null;
  created_at!: string;
}

export class NewShareDto extends ShareDto {
  /** Part of the link. It is told this once: only its hash is kept. */
  token!: string;
  /** Path of the link on this server. */
  url!: string;
}

export class SharesDto {
  items!: ShareDto[];
}

/** A pair as strangers see it: what was said, and nothing of how it was asked for. */
export class SharedPairDto {
  response_id!: string;
  seq!: number;
  question!: string | null;
  response!: string | null;
  @ApiProperty({
    type: 'array',
    items: { type: 'object', additionalProperties: true },
    nullable: true,
  })
  question_parts!: object[] | null;
  @ApiProperty({
    type: 'array',
    items: { type: 'object', additionalProperties: true },
    nullable: true,
  })
  response_parts!: object[] | null;
  @ApiProperty({ enum: ['text', 'link', 'code'] })
  message_type!: QaPairDto['message_type'];
  @ApiProperty({ type: 'object', additionalProperties: true, nullable: true })
  metadata!: Record<string, unknown> | null;
  author!: string | null;
  @ApiProperty({ type: String })
  status!: QaPairDto['status'];
  model!: string | null;
  timestamp!: string;
}

export class SharedDto {
  name!: string | null;
  follow!: boolean;
  expires_at!: string | null;
  created_at!: string;
  /** From the first pair on, in order. */
  qa_pairs!: SharedPairDto[];
  next_cursor!: string | null;
}
