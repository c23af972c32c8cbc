import { ApiProperty, ApiPropertyOptional, PickType } from '@nestjs/swagger';
import { IsOptional } from 'class-validator';
import { IsSaid } from '../../common/fields.js';
import { GIVEN, Stated } from '../../common/stated.js';
import { SAID_TEXT } from '../../common/text-patterns.js';
import { Checked, MODEL_CHARS_MAX } from './checked-field.js';
import { CreateResponseDto, TWO_PLACES } from './create-response.dto.js';
import { RefusesBy } from './field-fates.js';
import { type Input, inputFault } from './input-items.js';
import { INPUT_ITEM_SCHEMA } from './input-schemas.js';
import { ResponseUsageDto } from './response.dto.js';

const said = { type: 'string', minLength: 1, pattern: SAID_TEXT };
const INPUT = {
  oneOf: [said, { type: 'array', minItems: 1, items: INPUT_ITEM_SCHEMA }, { type: 'null' }],
};

/** `POST /v1/responses/input_tokens`. */
@Stated({ not: TWO_PLACES })
@RefusesBy({ personality: { mend: 'models have none here; leave the field out' } })
export class CountInputTokensDto extends PickType(CreateResponseDto, [
  ...(['instructions', 'previous_response_id', 'conversation', 'metadata'] as const),
  ...(['tools', 'tool_choice', 'parallel_tool_calls', 'text', 'reasoning', 'truncation'] as const),
]) {
  /** A model of `GET /v1/models`; the server's default when absent. @example "offline" */
  @ApiPropertyOptional({ type: String, nullable: true })
  @IsOptional()
  @IsSaid({ charsMax: MODEL_CHARS_MAX })
  model?: string | null;

  /** What would be asked. */
  @ApiPropertyOptional(INPUT)
  @IsOptional()
  @Checked(inputFault)
  input?: Input | null;
}

/** `POST /v1/responses/compact`: of what was said, or is stored. */
@Stated({
  anyOf: ['input', 'previous_response_id'].map((field) => ({
    required: [field],
    properties: { [field]: GIVEN },
  })),
})
@RefusesBy({
  image: { mend: 'models make no pictures here; leave the field out' },
  prompt_cache_options: { mend: 'caches of prompts are the provider’s own; leave the field out' },
  service_tier: {
    mend: 'must be auto or default: there is one tier here',
    passes: (tier) => tier === 'auto' || tier === 'default',
  },
})
export class CompactResponseDto extends PickType(CreateResponseDto, [
  ...(['instructions', 'previous_response_id', 'prompt_cache_key'] as const),
  'prompt_cache_retention',
]) {
  /** A model of `GET /v1/models`, which makes the summary. @example "offline" */
  @IsSaid({ charsMax: MODEL_CHARS_MAX })
  model!: string;

  /** What was said, behind the response that is named. */
  @ApiPropertyOptional(INPUT)
  @IsOptional()
  @Checked(inputFault)
  input?: Input | null;
}

export class InputTokensDto {
  @ApiProperty({ enum: ['response.input_tokens'] })
  object!: 'response.input_tokens';

  /** @example 12 */
  input_tokens!: number;
}

export class CompactionDto {
  /** @example "cmp_019aa1b30d4e7a6b9c8d2e3f4a5b6c7d" */
  id!: string;

  @ApiProperty({ enum: ['response.compaction'] })
  object!: 'response.compaction';

  /** In seconds since 1970. */
  created_at!: number;

  /** The `input` of what follows: what users said last, and a summary of all of it. */
  @ApiProperty({ type: 'array', items: { type: 'object', additionalProperties: true } })
  output!: object[];

  usage!: ResponseUsageDto;
}
