import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional } from 'class-validator';
import { IsSaid, OneOf, Optional, QueryInt } from '../../common/fields.js';
import { Lenient } from '../../common/strict-input.guard.js';
import { Checked } from './checked-field.js';
import { type Input, itemsFault } from './input-items.js';
import { NAME_PATTERNS } from './openai-ids.js';
import { type Metadata, NOTES, notesFault } from './openai-metadata.js';
import { INPUT_ITEM_SCHEMA } from './input-schemas.js';
import { ApiItems, type ItemDto, ITEM_SCHEMA } from './response-items.dto.js';

const ITEMS_MAX = 20;
const ORDERS = ['asc', 'desc'] as const;
const ITEMS = {
  type: 'array',
  minItems: 1,
  maxItems: ITEMS_MAX,
  items: INPUT_ITEM_SCHEMA,
} as const;

export class CreateConversationDto {
  /**
   * What was said so far, at most 20 messages: of users, each with the assistant's response behind
   * it if there is one. Those of systems and developers are the system prompt.
   */
  @ApiPropertyOptional({ ...ITEMS, minItems: 0, nullable: true })
  @IsOptional()
  @Checked((items) =>
    Array.isArray(items) && items.length === 0 ? null : itemsFault(items, ITEMS_MAX),
  )
  items?: Exclude<Input, string> | null;

  /** At most 16 texts. */
  @ApiPropertyOptional({ ...NOTES, nullable: true })
  @IsOptional()
  @Checked(notesFault)
  metadata?: Metadata | null;
}

export class UpdateConversationDto {
  /** In the place of what is there; at most 16 texts. */
  @ApiProperty({ ...NOTES })
  @Checked(notesFault)
  metadata!: Metadata;
}

export class AddItemsDto {
  /**
   * At most 20 messages: of users, each with the assistant's response behind it if there is one.
   */
  @ApiProperty({ ...ITEMS })
  @Checked((items) => itemsFault(items, ITEMS_MAX))
  items!: Exclude<Input, string>;
}

@Lenient()
export class ListItemsQuery {
  /** How many a page has at most. */
  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: 100 })
  @Optional()
  @QueryInt(1, 100)
  limit: number = 20;

  /** The `id` of an item: the page behind it, in the order of the list. */
  @ApiPropertyOptional({ pattern: NAME_PATTERNS.item })
  @Optional()
  @IsSaid({ charsMax: 200 })
  after?: string;

  @ApiPropertyOptional({ enum: ORDERS, default: 'desc' })
  @Optional()
  @OneOf(ORDERS)
  order: (typeof ORDERS)[number] = 'desc';
}

export class ConversationDto {
  /** `conv_<chat_id>`. @example "conv_019aa1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b" */
  id!: string;

  @ApiProperty({ enum: ['conversation'] })
  object!: 'conversation';

  /** In seconds since 1970. */
  created_at!: number;

  @ApiProperty({ type: 'object', additionalProperties: { type: 'string' } })
  metadata!: Metadata;
}

export class DeletedConversationDto {
  id!: string;

  @ApiProperty({ enum: ['conversation.deleted'] })
  object!: 'conversation.deleted';

  deleted!: boolean;
}

@ApiItems()
export class ItemListDto {
  @ApiProperty({ enum: ['list'] })
  object!: 'list';

  @ApiProperty({ type: 'array', items: ITEM_SCHEMA })
  data!: ItemDto[];
  first_id!: string | null;
  /** The `after` of the next page. */
  last_id!: string | null;
  has_more!: boolean;
}
