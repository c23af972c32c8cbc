import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsBoolean, IsOptional, ValidateIf } from 'class-validator';
import { IsCursor, IsId, IsSaid, OneOf, Optional, QueryInt } from '../../common/fields.js';
import { QaPairDto } from '../chat/pair.dto.js';

const DEPTH_ASKED_MAX = 1000;
const FORMATS = ['tree', 'flat'] as const;

export class CreateBranchDto {
  /**
   * The pair to branch from, anywhere on the path of the chat; null branches before the first pair.
   */
  @ApiProperty({ type: String, format: 'uuid', nullable: true })
  @ValidateIf((body: CreateBranchDto) => body.response_id !== null)
  @IsId()
  response_id!: string | null;

  /** @example "What if we go in winter?" */
  @ApiPropertyOptional({ type: String, nullable: true, maxLength: 200 })
  @IsOptional()
  @IsSaid({ charsMax: 200 })
  name?: string | null;

  /** Whether the branch becomes the active one. */
  @ApiPropertyOptional({ default: false })
  @Optional()
  @IsBoolean({ message: 'must be true or false' })
  activate?: boolean;
}

export class CreateBranchByBodyDto extends CreateBranchDto {
  @IsId()
  chat_id!: string;
}

export class TreeQuery {
  /**
   * Chats with a greater `depth` are left out: so many forks below the root are shown, those of
   * deleted chats counted too.
   */
  @ApiPropertyOptional({ type: 'integer', minimum: 0, maximum: DEPTH_ASKED_MAX })
  @Optional()
  @QueryInt(0, DEPTH_ASKED_MAX)
  depth?: number;

  /**
   * How many chats one answer shows, the ancestors that they hang under not counted; at most 1,000
   * with those when absent.
   */
  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: 100 })
  @Optional()
  @QueryInt(1, 100)
  limit?: number;

  /** Whether the chats are nested (`tree`) or a list (`items`). */
  @ApiPropertyOptional({ enum: FORMATS, default: 'tree' })
  @Optional()
  @OneOf(FORMATS)
  format?: (typeof FORMATS)[number];

  /** `next_cursor` of the page before. */
  @Optional()
  @IsCursor()
  cursor?: string;
}

export class TreeByQuery extends TreeQuery {
  @IsId()
  chat_id!: string;
}

export class ActiveBranchDto {
  /** A chat of the same conversation. */
  @IsId()
  branch_chat_id!: string;
}

export class ActiveBranchByBodyDto extends ActiveBranchDto {
  @IsId()
  chat_id!: string;
}

export class CompareQuery {
  /** The other chat of the same conversation. */
  @ApiProperty({ format: 'uuid' })
  @IsId()
  with!: string;
}

export class ActiveBranchAnswerDto {
  root_chat_id!: string;
  active_chat_id!: string;
}

export class BranchItemDto {
  chat_id!: string;
  name!: string | null;
  /** The living chat under which it hangs, be it on this page or not; null for the root. */
  parent_chat_id!: string | null;
  fork_response_id!: string | null;
  fork_seq!: number;
  active!: boolean;
  message_count!: number;
  created_at!: string;
}

export class BranchNodeDto extends BranchItemDto {
  /**
   * Chats that hang under it; on pages of a deep tree also those whose nearer ancestors are on
   * pages before.
   */
  @ApiProperty({ type: () => [BranchNodeDto] })
  children!: BranchNodeDto[];
}

export class BranchTreeDto {
  root_chat_id!: string;
  active_chat_id!: string;
  /** Living chats of the conversation, the root counted too. */
  total!: number;
  /**
   * The root, and under it the chats of the page with the ancestors that they hang under, nested at
   * most 31 levels. Not with `format=flat`.
   */
  tree?: BranchNodeDto;
  /** The chats of the page, each behind its parent. Only with `format=flat`. */
  items?: BranchItemDto[];
  /** Only where chats are left for a further page. */
  next_cursor?: string;
}

export class CommonPairDto {
  chat_id!: string;
  response_id!: string;
  seq!: number;
}

export class TailDto {
  chat_id!: string;
  /** The pairs after the common one, at most 100. */
  qa_pairs!: QaPairDto[];
  /** Only where there are more: the `after` of the next page of that chat's messages. */
  next_cursor?: string;
}

export class ComparisonDto {
  @ApiProperty({ type: CommonPairDto, nullable: true })
  common!: CommonPairDto | null;
  left!: TailDto;
  right!: TailDto;
}
