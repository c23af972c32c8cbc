import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Read } from '../../common/dto-reader.js';
import {
  IsCursor,
  IsId,
  IsInstant,
  IsSaid,
  OneOf,
  Optional,
  QueryInt,
} from '../../common/fields.js';
import { MESSAGE_TYPES, type MessageType } from '../chat/message.entity.js';
import type { TextSide } from './search-word-places.js';

const SIDES = ['question', 'response'] as const satisfies readonly TextSide[];
export const SORTS = ['best', 'newest'] as const;
export const SCOPES = ['branch', 'conversation'] as const;
const DAY = /^\d{4}-\d\d-\d\d$/;

const DAY_OR_INSTANT = [
  { type: 'string', format: 'date' },
  { type: 'string', format: 'date-time' },
];

/** A day is read as its beginning, or its end. */
const dayAs = (time: string): PropertyDecorator =>
  Read((value) => (typeof value === 'string' && DAY.test(value) ? value + time : value));

export class SearchQueryDto {
  /**
   * What to look for, as on the web: all of the words, `"these in this order"`, `-not this`,
   * `this OR that`, `begin*`. Accents and capitals do not matter; `getUserById` and
   * `get_user_by_id` are found by their parts too. @example "midnight sun" -winter
   */
  @ApiProperty({ example: 'midnight sun' })
  @IsSaid({ charsMax: 1000 })
  q!: string;

  /** Only what this branch sees. */
  @Optional()
  @IsId()
  chat_id?: string;

  /** With `chat_id`: what the branch sees (`branch`, when nothing is said), or its whole tree. */
  @ApiPropertyOptional({ enum: SCOPES })
  @Optional()
  @OneOf(SCOPES)
  scope?: (typeof SCOPES)[number];

  /** Only pairs of this `message_type`. */
  @ApiPropertyOptional({ enum: MESSAGE_TYPES })
  @Optional()
  @OneOf(MESSAGE_TYPES)
  type?: MessageType;

  /** Only what was said on this side of a pair. */
  @ApiPropertyOptional({ enum: SIDES })
  @Optional()
  @OneOf(SIDES)
  side?: TextSide;

  /** Only pairs made at this time or later: ISO 8601 with an offset, or a day (UTC). */
  @ApiPropertyOptional({ oneOf: DAY_OR_INSTANT, example: '2026-11-01' })
  @Optional()
  @dayAs('T00:00:00.000Z')
  @IsInstant()
  from?: string;

  /** Only pairs made at this time or before; a day counts to its end. */
  @ApiPropertyOptional({ oneOf: DAY_OR_INSTANT, example: '2026-11-30' })
  @Optional()
  @dayAs('T23:59:59.999Z')
  @IsInstant()
  to?: string;

  /** The best first (when nothing is said), or the newest. */
  @ApiPropertyOptional({ enum: SORTS })
  @Optional()
  @OneOf(SORTS)
  sort?: (typeof SORTS)[number];

  /** How many hits a page has at most. */
  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: 100 })
  @Optional()
  @QueryInt(1, 100)
  limit: number = 50;

  /** `next_cursor` of the page before; the rest of the query must be the same. */
  @Optional()
  @IsCursor()
  cursor?: string;
}

export class ExcerptDto {
  /** A piece of what was said; plain text, never markup. */
  @ApiProperty({ example: 'Where does the midnight sun begin?' })
  text!: string;
  /**
   * What was found in it, each from (included) to (not), counted in UTF-16 code units as strings of
   * JavaScript are.
   */
  @ApiProperty({
    type: 'array',
    items: { type: 'array', items: { type: 'integer' }, minItems: 2, maxItems: 2 },
    example: [[15, 27]],
  })
  ranges!: [from: number, to: number][];
}

export class HitHighlightDto {
  question?: ExcerptDto;
  response?: ExcerptDto;
}

export class HitDto {
  response_id!: string;
  /** The owner of the pair. */
  chat_id!: string;
  seq!: number;
  root_chat_id!: string;
  /** Of the conversation. */
  @ApiProperty({ type: String, nullable: true, example: 'Norway' })
  name!: string | null;
  /** Of the sides where something was found. */
  highlight!: HitHighlightDto;
  /** The chats from the root to the owner, both included. */
  @ApiProperty({ type: [String], format: 'uuid' })
  path!: string[];
  /** The living branches that see the pair, its owner first; at most 100. */
  @ApiProperty({ type: [String], format: 'uuid' })
  visible_in!: string[];
  /** When the pair was made. */
  @ApiProperty({ format: 'date-time', example: '2026-11-21T09:30:00.000Z' })
  timestamp!: string;
}

export class HitPageDto {
  items!: HitDto[];
  /** Null at the end. */
  @ApiProperty({ type: String, nullable: true })
  next_cursor!: string | null;
}
