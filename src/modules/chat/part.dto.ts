import type { Type } from '@nestjs/common';
import { ApiExtraModels, ApiProperty, getSchemaPath } from '@nestjs/swagger';

/** Any JSON. */
const AnyJson = (required = true): PropertyDecorator =>
  ApiProperty({
    oneOf: [
      ...(['string', 'number', 'boolean', 'null'] as const).map((type) => ({ type })),
      { type: 'array', items: {} },
      { type: 'object', additionalProperties: true },
    ],
    required,
  });

export class PartTextDto {
  @ApiProperty({ enum: ['text'] })
  type!: 'text';
  /** @example "The midnight sun begins at the Arctic Circle." */
  text!: string;
  @ApiProperty({ enum: ['commentary', 'final_answer'], required: false })
  phase?: 'commentary' | 'final_answer';
  @ApiProperty({ type: 'array', items: { type: 'object', additionalProperties: true } })
  annotations?: object[];
}

/** Heard by every later turn of the path, in its place. */
export class PartInstructionDto {
  @ApiProperty({ enum: ['instruction'] })
  type!: 'instruction';
  @ApiProperty({ enum: ['system', 'developer'] })
  role!: 'system' | 'developer';
  /** @example "Answer in French." */
  text!: string;
}

/** Bytes that the account keeps (`file_id`), or that are elsewhere (`url`, never fetched). */
export class PartFileDto {
  @ApiProperty({ enum: ['file'] })
  type!: 'file';
  @ApiProperty({ format: 'uuid', required: false })
  file_id?: string;
  url?: string;
  /** @example "image/png" */
  media_type!: string;
  /** @example "map.png" */
  name?: string;
  @ApiProperty({ type: 'integer', required: false })
  bytes?: number;
  /** In hex. */
  sha256?: string;
  /** How closely a model is to look at it. */
  detail?: string;
}

export class PartToolCallDto {
  @ApiProperty({ enum: ['tool_call'] })
  type!: 'tool_call';
  /** @example "call_1" */
  call_id!: string;
  /** @example "get_weather" */
  name!: string;
  /** Any JSON, as the model wrote it; a text where that was no JSON. */
  @AnyJson()
  input!: unknown;
  /** The provider ran the tool itself. */
  provider_executed?: boolean;
}

export class PartToolResultDto {
  @ApiProperty({ enum: ['tool_result'] })
  type!: 'tool_result';
  /** @example "call_1" */
  call_id!: string;
  /** A text, any JSON, or a list of `text` and `file` parts. */
  @AnyJson()
  output!: unknown;
  is_error?: boolean;
}

export class PartReasoningDto {
  @ApiProperty({ enum: ['reasoning'] })
  type!: 'reasoning';
  text!: string;
  summary?: string;
  /** Any JSON: what a provider must get back unread. */
  @AnyJson(false)
  opaque?: unknown;
}

/** Where something was found; other fields stay as they are. */
export class PartSourceDto {
  @ApiProperty({ enum: ['source'] })
  type!: 'source';
  url?: string;
  title?: string;
}

export class PartRefusalDto {
  @ApiProperty({ enum: ['refusal'] })
  type!: 'refusal';
  text!: string;
}

/** A client's own. */
export class PartDataDto {
  @ApiProperty({ enum: ['data'] })
  type!: 'data';
  /** @example "weather-card" */
  name!: string;
  /** Any JSON. */
  @AnyJson()
  value!: unknown;
}

/** Anything that has no name here, kept word for word. */
export class PartOtherDto {
  @ApiProperty({ enum: ['other'] })
  type!: 'other';
  /** Who calls it so, and how. @example "openai:mcp_call" */
  format!: string;
  /** Any JSON. */
  @AnyJson()
  value!: unknown;
}

const ASKED = {
  text: PartTextDto,
  instruction: PartInstructionDto,
  file: PartFileDto,
  tool_result: PartToolResultDto,
  data: PartDataDto,
  other: PartOtherDto,
};
const ANSWERED = {
  text: PartTextDto,
  file: PartFileDto,
  tool_call: PartToolCallDto,
  tool_result: PartToolResultDto,
  reasoning: PartReasoningDto,
  source: PartSourceDto,
  refusal: PartRefusalDto,
  data: PartDataDto,
  other: PartOtherDto,
};

/** `type` tells them apart. OpenAPI's `discriminator` is another thing in AsyncAPI. */
const oneOf = (parts: Record<string, Type>) => ({
  oneOf: Object.values(parts).map((part) => ({ $ref: getSchemaPath(part) })),
});
export const QUESTION_PART_SCHEMA = oneOf(ASKED);
export const RESPONSE_PART_SCHEMA = oneOf(ANSWERED);

/** The classes of all parts. */
export const PART_DTOS: readonly Type[] = Object.values({ ...ASKED, ...ANSWERED });

/** For a class whose fields name parts. */
export const ApiParts = (): ClassDecorator => ApiExtraModels(...PART_DTOS);
