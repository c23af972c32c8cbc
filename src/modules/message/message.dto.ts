import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsBoolean, ValidateBy, ValidateIf } from 'class-validator';
import { ListOf } from '../../common/dto-reader.js';
import { PAIRS_MAX } from '../../common/json-body.js';
import {
  IsCursor,
  Held,
  IsId,
  OneOf,
  Optional,
  QueryBoolean,
  QueryInt,
} from '../../common/fields.js';
import type { ResponsePart } from '../../tree/parts.js';
import { IsModelName, isModelName, MODEL_NAME } from '../chat/model-name.js';
import { QaPairDto } from '../chat/pair.dto.js';
import { IsParts, IsTextOf, RESPONSE_PARTS_SCHEMA, SaidDto } from './said.dto.js';

const ON_CONFLICT = ['fail', 'fork'] as const;
/**
 * What a post does that comes while an answer is still being written: waits for its end, is
 * refused, or ends it.
 */
const ON_BUSY = ['queue', 'reject', 'interrupt'] as const;
export type OnBusy = (typeof ON_BUSY)[number];

const MODELS_MAX = 8;

const IsModelNames = (): PropertyDecorator =>
  ValidateBy({
    name: 'isModelNames',
    validator: {
      validate: (value) =>
        Array.isArray(value) &&
        value.length >= 1 &&
        value.length <= MODELS_MAX &&
        value.every(isModelName),
      defaultMessage: () => `must be a list of 1 to ${MODELS_MAX} names of models`,
    },
  });

/** What a person says: a question with its response, or for the model to answer. */
export class EditMessageDto extends SaidDto {
  /** Answer with server-sent events as the answer is written. */
  @ApiPropertyOptional({ type: Boolean, default: false })
  @Optional()
  @IsBoolean({ message: 'must be true or false' })
  stream?: boolean;
}

const IsSpoken = (): PropertyDecorator =>
  Held('isSpoken', (response, args) =>
    response === undefined && !(args!.object as SpokenPairDto).response_parts
      ? 'must be given, or null: no model answers here'
      : null,
  );

/** A pair that is there as a whole. */
export class SpokenPairDto extends SaidDto {
  /** At most 256 KiB of UTF-8; null: stored without an answer. */
  @ApiProperty({ type: String, nullable: true, required: false })
  @IsSpoken()
  override response?: string | null = undefined;
}

const NOT_BESIDE_PAIRS = [
  ...['question_parts', 'response_parts', 'message_type', 'metadata', 'author'],
  ...['model', 'settings', 'stream'],
] as const;

/** Pairs say all themselves. */
const ArePairs = (): PropertyDecorator =>
  Held('arePairs', (pairs, args) => {
    if ((pairs as unknown[]).length === 0) return 'must have a pair';
    const body = args!.object as AddMessageDto;
    const beside = NOT_BESIDE_PAIRS.find((field) => body[field] !== undefined);
    return beside === undefined ? null : `go not with ${beside}`;
  });

export class AddMessageDto extends EditMessageDto {
  /** In the place of `question`: up to 100 whole pairs, stored in one step, all or none. */
  @ApiPropertyOptional({ type: [SpokenPairDto], minItems: 1, maxItems: PAIRS_MAX })
  @Optional()
  @ArePairs()
  @ListOf(() => SpokenPairDto, PAIRS_MAX)
  pairs?: SpokenPairDto[];

  /** The pair that must be the last one of the chat (null: the chat must be empty). */
  @ApiPropertyOptional({ type: String, format: 'uuid', nullable: true })
  @ValidateIf(
    (body: AddMessageDto) =>
      body.parent_response_id !== undefined && body.parent_response_id !== null,
  )
  @IsId()
  parent_response_id?: string | null;

  /**
   * What to do when `parent_response_id` is not the last pair any more: answer 409, or make a
   * branch there.
   */
  @ApiPropertyOptional({ enum: ON_CONFLICT, default: 'fail' })
  @Optional()
  @OneOf(ON_CONFLICT)
  on_conflict?: (typeof ON_CONFLICT)[number];

  /**
   * What to do while an answer is still being written in this chat: wait for its end, answer 409,
   * or end it as `stop` does.
   */
  @ApiPropertyOptional({ enum: ON_BUSY, default: 'queue' })
  @Optional()
  @OneOf(ON_BUSY)
  on_busy?: OnBusy;
}

/** What a model does again. */
export class RetryMessageDto {
  /** Answer with server-sent events as the answer is written. */
  @ApiPropertyOptional({ type: Boolean, default: false })
  @Optional()
  @IsBoolean({ message: 'must be true or false' })
  stream?: boolean;

  /** The model that answers; that of the chat as it is now when absent. @example "gpt-5-mini" */
  @ApiPropertyOptional(MODEL_NAME as object)
  @Optional()
  @IsModelName()
  model?: string;
}

export class FanOutDto {
  /** Names of models. @example ["gpt-5-mini", "qwen3:8b"] */
  @ApiProperty({ type: 'array', minItems: 1, maxItems: MODELS_MAX, items: MODEL_NAME })
  @IsModelNames()
  models!: string[];
}

/** Pairs that were stored in one step. */
export class StoredPairsDto {
  /** In their order. */
  @ApiProperty({ type: [QaPairDto] })
  qa_pairs!: QaPairDto[];
}

export class FanOutAnswerDto {
  /** In the order of `models`. */
  @ApiProperty({ type: [QaPairDto] })
  items!: QaPairDto[];
}

export class RegenerateMessageDto extends RetryMessageDto {
  /** Another response of your own. Absent: the model answers again. */
  @ApiPropertyOptional({ type: String, nullable: true })
  @IsTextOf('response')
  response?: string | null;

  /** The same in parts. */
  @ApiPropertyOptional(RESPONSE_PARTS_SCHEMA)
  @IsParts('response')
  response_parts?: ResponsePart[] | null;
}

export class AddMessageByBodyDto extends AddMessageDto {
  @IsId()
  chat_id!: string;
}

export class AddMessageQuery {
  /**
   * `active`: post to the active branch of the conversation instead; the answer names it in
   * `chat_id`.
   */
  @ApiPropertyOptional({ enum: ['active'] })
  @Optional()
  @OneOf(['active'])
  branch?: 'active';
}

export class ListMessagesQuery {
  /** How many pairs a page has at most. */
  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: 100 })
  @Optional()
  @QueryInt(1, 100)
  limit: number = 50;

  /** `prev_cursor` of a page: the page before it. */
  @Optional()
  @IsCursor()
  before?: string;

  /** `next_cursor` of a page: the page after it. */
  @Optional()
  @IsCursor()
  after?: string;

  /** A `response_id`: the page with this pair in its middle. */
  @ApiPropertyOptional({ format: 'uuid' })
  @Optional()
  @IsId()
  around?: string;

  /** `true`: each pair says where it stands among the continuations of its place. */
  @ApiPropertyOptional({ type: Boolean, default: false })
  @Optional()
  @QueryBoolean()
  siblings?: boolean;
}

/** Where a pair stands among the continuations of its place, in the order of their making. */
export class StandingDto {
  /** From 1. */
  index!: number;
  total!: number;
  previous_response_id!: string | null;
  next_response_id!: string | null;
}

export class PlacedPairDto extends QaPairDto {
  /** Only with `siblings=true`. */
  siblings?: StandingDto;
}

export class MessagePageDto {
  chat_id!: string;
  qa_pairs!: PlacedPairDto[];
  prev_cursor!: string | null;
  next_cursor!: string | null;
}

export class SiblingDto {
  chat_id!: string;
  response_id!: string;
  seq!: number;
  /** Whether it is on the path of the active branch. */
  active!: boolean;
}

export class QaPairWithSiblingsDto extends QaPairDto {
  /** All continuations at this place, itself included, in the order of their making. */
  @ApiProperty({ type: [SiblingDto] })
  siblings!: SiblingDto[];
}
