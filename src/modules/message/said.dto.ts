import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional } from 'class-validator';
import { Within } from '../../common/dto-reader.js';
import { Held, IsSaid, OneOf, Optional, type TextRules } from '../../common/fields.js';
import type { AnswerSettings } from '../../llm/settings.js';
import { settingsFault } from '../../llm/settings-rules.js';
import {
  PARTS_MAX,
  partsFault,
  QUESTION_BYTES_MAX,
  RESPONSE_BYTES_MAX,
  type SideName,
} from '../../tree/part-rules.js';
import { type Part, type QuestionPart, type ResponsePart, textOf } from '../../tree/parts.js';
import { MESSAGE_TYPES, type MessageType } from '../chat/message.entity.js';
import { IsModelName, MODEL_NAME } from '../chat/model-name.js';
import { QUESTION_PART_SCHEMA, RESPONSE_PART_SCHEMA } from '../chat/part.dto.js';
import { IsMetadata } from './metadata.js';

export const TEXT_BYTES_MAX = { question: QUESTION_BYTES_MAX, response: RESPONSE_BYTES_MAX };
const AUTHOR_CHARS_MAX = 200;

const isGiven = (value: unknown): boolean => value !== undefined && value !== null;

/** The text of a side, which its parts say too where they are given. */
export const IsTextOf = (side: SideName): PropertyDecorator => {
  const bytesMax = TEXT_BYTES_MAX[side];
  const faultOf = (value: unknown, body: SaidDto): string | null => {
    const parts = body[`${side}_parts`];
    if (isGiven(parts))
      return isTextOf(value, parts) ? null : `must be the text of ${side}_parts, or absent`;
    if (side === 'response' && !isGiven(value)) return null;
    if (!isGiven(value)) return absenceFault(value, body);
    if (isGiven((body as { pairs?: unknown }).pairs)) return 'goes not with pairs';
    if (typeof value !== 'string') return 'must be a string';
    if (value.trim() === '') return 'must not be empty or blank';
    return Buffer.byteLength(value) > bytesMax
      ? `must have at most ${bytesMax} bytes of UTF-8`
      : null;
  };
  const rules: TextRules = { bytesMax };
  return Held(
    side === 'question' ? 'isQuestion' : 'isSaid',
    (value, args) => faultOf(value, args!.object as SaidDto),
    rules,
  );
};

/** Why a question may not be absent or null. */
function absenceFault(value: unknown, body: SaidDto & { pairs?: unknown }): string | null {
  if (isGiven(body.pairs)) return null;
  if (value === undefined) return 'must be a string';
  return isGiven(body.response) || isGiven(body.response_parts)
    ? null
    : 'must not be null without a response';
}

/** Whoever sends a pair back as it was read says its text besides. What else is wrong is told. */
const isTextOf = (value: unknown, parts: unknown): boolean =>
  !isGiven(value) ||
  !Array.isArray(parts) ||
  value === textOf(parts.filter((part) => typeof part?.text === 'string') as Part[]);

export const IsParts = (side: SideName): PropertyDecorator =>
  Within('isParts', (parts) =>
    isGiven(parts) ? partsFault(side, parts, TEXT_BYTES_MAX[side]) : null,
  );

const IsSettings = (): PropertyDecorator =>
  Within('isSettings', (settings) => (isGiven(settings) ? settingsFault(settings) : null));

const partsSchema = (items: typeof QUESTION_PART_SCHEMA) =>
  ({ type: 'array', nullable: true, minItems: 1, maxItems: PARTS_MAX, items }) as const;
export const RESPONSE_PARTS_SCHEMA = partsSchema(RESPONSE_PART_SCHEMA);

/** A pair as a person says it: both sides as texts, or as parts. */
export class SaidDto {
  /** At most 128 KiB of UTF-8. Null, with a response, where the assistant speaks first. */
  @ApiPropertyOptional({ type: String, nullable: true })
  @IsTextOf('question')
  question?: string | null;

  /** In the place of `question`, or beside it: all that it is made of, in order. */
  @ApiPropertyOptional(partsSchema(QUESTION_PART_SCHEMA))
  @IsParts('question')
  question_parts?: QuestionPart[] | null;

  /**
   * Stored as it is (at most 256 KiB of UTF-8). Absent: the model answers. Null: stored without an
   * answer.
   */
  @ApiPropertyOptional({ type: String, nullable: true })
  @IsTextOf('response')
  response?: string | null;

  /** In the place of `response`, or beside it. */
  @ApiPropertyOptional(RESPONSE_PARTS_SCHEMA)
  @IsParts('response')
  response_parts?: ResponsePart[] | null;

  @ApiPropertyOptional({ enum: MESSAGE_TYPES, default: 'text' })
  @Optional()
  @OneOf(MESSAGE_TYPES)
  message_type?: MessageType;

  /**
   * `link`: `{url, title?}` (http or https, never fetched). `code`: `{language, filename?}`.
   * `text`: any small object.
   */
  @ApiPropertyOptional({ type: 'object', additionalProperties: true, nullable: true })
  @IsMetadata()
  metadata?: Record<string, unknown> | null;

  /** Who asked, where several people share a chat. */
  @ApiPropertyOptional({ type: String, nullable: true, maxLength: AUTHOR_CHARS_MAX })
  @IsOptional()
  @IsSaid({ charsMax: AUTHOR_CHARS_MAX })
  author?: string | null;

  /**
   * The model that answers, that of the chat when absent; with a response, the one that gave it.
   * @example "gpt-5-mini"
   */
  @ApiPropertyOptional({ ...MODEL_NAME, nullable: true })
  @IsOptional()
  @IsModelName()
  model?: string | null;

  /**
   * How the model is to answer, kept with the pair: `instructions`, `tools` and `tool_choice` (as
   * OpenAI's Responses has them), `format` (its `text.format`), `reasoning`, `temperature`,
   * `top_p`, `max_output_tokens`, `stop`, `seed`, …
   */
  @ApiPropertyOptional({ type: 'object', additionalProperties: true, nullable: true })
  @IsSettings()
  settings?: AnswerSettings | null;
}
