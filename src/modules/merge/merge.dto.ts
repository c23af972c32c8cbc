import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional, ValidateBy } from 'class-validator';
import { IsId, IsSaid, OneOf, Optional } from '../../common/fields.js';
import { isUuid } from '../../common/ids.js';
import { GIVEN, having, Stated } from '../../common/stated.js';
import { RESPONSE_BYTES_MAX } from '../../tree/part-rules.js';
import { QaPairDto } from '../chat/pair.dto.js';
import { MERGE_MODES, type MergeMode } from './merge.entity.js';

/** As many as a post takes in one step. */
export const MERGED_MAX = 100;

const IsPairs = (): PropertyDecorator =>
  ValidateBy({
    name: 'isPairs',
    validator: {
      validate: (value: unknown) =>
        Array.isArray(value) &&
        value.length >= 1 &&
        value.length <= MERGED_MAX &&
        value.every(isUuid) &&
        new Set(value.map((id: string) => id.toLowerCase())).size === value.length,
      defaultMessage: () => `must be a list of 1 to ${MERGED_MAX} different response_ids`,
    },
  });

@Stated({ not: having({ mode: { enum: ['pairs'] }, text: GIVEN }) })
export class MergeDto {
  /** A branch of the same conversation. */
  @IsId()
  from_chat_id!: string;

  /** One pair that sums it up, or the pairs themselves. */
  @ApiProperty({ enum: MERGE_MODES })
  @OneOf(MERGE_MODES)
  mode!: MergeMode;

  /** Which pairs of that branch; all that this chat does not see, when absent. */
  @ApiPropertyOptional({
    type: 'array',
    minItems: 1,
    maxItems: MERGED_MAX,
    items: { type: 'string', format: 'uuid' },
  })
  @Optional()
  @IsPairs()
  response_ids?: string[];

  /** The summary in your own words, for the mode `summary`; the model's when absent. */
  @ApiPropertyOptional({ type: String, nullable: true })
  @IsOptional()
  @IsSaid({ bytesMax: RESPONSE_BYTES_MAX })
  text?: string | null;
}

export class MergedDto {
  chat_id!: string;
  /** The pairs that came of it, each with `metadata.merged_from {chat_id, response_ids}`. */
  qa_pairs!: QaPairDto[];
}
