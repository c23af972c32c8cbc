import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsBoolean, IsOptional } from 'class-validator';
import { Members, ObjectOf } from '../../common/dto-reader.js';
import { PageQuery } from '../../common/page.dto.js';
import { ANY_TEXT } from '../../common/text-patterns.js';
import { IsId, IsSaid, OneOf, Optional, QueryBoolean } from '../../common/fields.js';
import { IsMetadataFilter, IsPlainMetadata } from '../../common/metadata.js';
import { CHAT_TYPES, type ChatType } from './chat.entity.js';
import { QaPairDto } from './pair.dto.js';
import { CHILDREN_RULES, type ChildrenRule } from './removal.service.js';

const NAME = { charsMax: 200 };
const SYSTEM_PROMPT = { bytesMax: 32 * 1024 };

/** Where a conversation was started from. */
export class StartedByDto {
  /** A pair of another conversation. */
  @IsId()
  response_id!: string;
}

export class CreateChatDto {
  /**
   * An id of the client's own: the same request again answers the same chat, and another one with
   * this id is refused. The server chooses one where it is absent.
   */
  @Optional()
  @IsId()
  chat_id?: string;

  /** Shown in the chat list. At most 200 characters. @example "Trip to Norway" */
  @ApiPropertyOptional({ type: String, nullable: true, maxLength: 200 })
  @IsOptional()
  @IsSaid(NAME)
  name?: string | null;

  /** `temporary` chats leave no trace after their time. */
  @ApiPropertyOptional({ enum: CHAT_TYPES, default: 'standard' })
  @Optional()
  @OneOf(CHAT_TYPES)
  chat_type?: ChatType;

  /**
   * Given to the model before the conversation. At most 32 KiB. @example "You are a patient guide."
   */
  @IsOptional()
  @IsSaid(SYSTEM_PROMPT)
  system_prompt?: string | null;

  /** Which model answers; the server's default when absent. */
  @ApiPropertyOptional({ type: String, nullable: true, maxLength: 200 })
  @IsOptional()
  @IsSaid(NAME)
  model?: string | null;

  /**
   * Any small object of the client's own: at most 64 keys and 16 KiB. What is said takes the place
   * of what was there; null takes it away.
   */
  @ApiPropertyOptional({ type: 'object', nullable: true, additionalProperties: true })
  @IsOptional()
  @IsPlainMetadata()
  metadata?: object | null;

  /** The pair of another conversation that starts this one, which inherits nothing of it. */
  @Optional()
  @ObjectOf(() => StartedByDto)
  started_by?: StartedByDto;
}

export class UpdateChatDto {
  /** Null takes the name away. @example "Trip to Iceland" */
  @ApiPropertyOptional({ type: String, nullable: true, maxLength: 200 })
  @IsOptional()
  @IsSaid(NAME)
  name?: string | null;

  /** Holds for the whole conversation. */
  @Optional()
  @IsBoolean({ message: 'must be true or false' })
  pinned?: boolean;

  /** Holds for the whole conversation. */
  @Optional()
  @IsBoolean({ message: 'must be true or false' })
  archived?: boolean;

  @IsOptional()
  @IsSaid(SYSTEM_PROMPT)
  system_prompt?: string | null;

  @ApiPropertyOptional({ type: String, nullable: true, maxLength: 200 })
  @IsOptional()
  @IsSaid(NAME)
  model?: string | null;

  /**
   * Any small object of the client's own: at most 64 keys and 16 KiB. What is said takes the place
   * of what was there; null takes it away.
   */
  @ApiPropertyOptional({ type: 'object', nullable: true, additionalProperties: true })
  @IsOptional()
  @IsPlainMetadata()
  metadata?: object | null;

  /** Makes this chat the active branch. Only `true`: to leave a branch, make another one active. */
  @ApiPropertyOptional({ enum: [true] })
  @Optional()
  @OneOf([true])
  active?: true;
}

/** The seed's verb route: the chat is named in the body. */
export class UpdateChatByBodyDto extends UpdateChatDto {
  @IsId()
  chat_id!: string;
}

export class ChatIdQuery {
  @IsId()
  chat_id!: string;
}

export class DeleteChatQuery {
  /** What becomes of the branches of a deleted branch. */
  @ApiPropertyOptional({ enum: CHILDREN_RULES, default: 'keep' })
  @Optional()
  @OneOf(CHILDREN_RULES)
  children: ChildrenRule = 'keep';
}

export class DeleteChatByQuery extends DeleteChatQuery {
  @IsId()
  chat_id!: string;
}

export class ListChatsQuery extends PageQuery {
  /** Only archived ones, or only others; both when absent. */
  @Optional()
  @QueryBoolean()
  archived?: boolean;

  /** Only pinned ones, or only others; both when absent. */
  @Optional()
  @QueryBoolean()
  pinned?: boolean;

  /** Part of the name, in any case. */
  @Optional()
  @IsSaid({ charsMax: 200 })
  q?: string;

  /**
   * `metadata.KEY=value`, at most 8 of them: chats whose metadata have this text, number (as it was
   * written), `true`, `false` or `null` at each such key. Lists and objects are not looked into.
   */
  @ApiPropertyOptional({
    ...{ name: 'metadata.KEY', type: String, example: 'value', pattern: ANY_TEXT },
  })
  @Members()
  @Optional()
  @IsMetadataFilter()
  metadata?: Record<string, string>;

  /** Only those that this pair started. */
  @Optional()
  @IsId()
  started_by?: string;
}

export class ChatDto {
  chat_id!: string;
  /** The root of the conversation; its own id for a root. */
  root_chat_id!: string;
  /** The chat that owns the pair this branch was made from; null for a root. */
  parent_chat_id!: string | null;
  fork_response_id!: string | null;
  /** How many pairs are inherited. */
  fork_seq!: number;
  depth!: number;
  account_id!: string;
  chat_type!: ChatType;
  name!: string | null;
  active!: boolean;
  /** Length of the path, inherited pairs included. */
  message_count!: number;
  pinned!: boolean;
  archived!: boolean;
  model!: string | null;
  system_prompt!: string | null;
  /** As its client said it; a branch begins without. */
  @ApiProperty({ type: 'object', nullable: true, additionalProperties: true })
  metadata!: object | null;
  /** The pair of another conversation that started this one; null for others, and for branches. */
  @ApiProperty({ type: StartedByDto, nullable: true })
  started_by!: StartedByDto | null;
  /** Changes with everything that a GET of the chat answers; the ETag is made of it. */
  revision!: number;
  created_at!: string;
  updated_at!: string;
  /** Only of a root: the branch that the person is in. */
  active_chat_id?: string;
}

export class ListedChatDto extends ChatDto {
  declare active_chat_id: string;
  /** Length of the path of that branch. */
  active_message_count!: number;
}

export class ChatPageDto {
  items!: ListedChatDto[];
  next_cursor!: string | null;
}

export class ChatContentDto {
  chat_id!: string;
  qa_pairs!: QaPairDto[];
  /** Only where older pairs exist. */
  prev_cursor?: string;
}

export class ChatWithContentDto extends ChatDto {
  content!: ChatContentDto;
}
