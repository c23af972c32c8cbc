import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional, ValidateBy } from 'class-validator';
import { Read } from '../../common/dto-reader.js';
import { IsSaid } from '../../common/fields.js';
import type { ApiKey } from './api-key.entity.js';

/** RFC 3339 with an offset: a local time would mean another instant on another machine. */
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/;

const IsInstant = () =>
  ValidateBy({
    name: 'isInstant',
    validator: {
      validate: (value: unknown) =>
        typeof value === 'string' && INSTANT.test(value) && !Number.isNaN(Date.parse(value)),
      defaultMessage: () =>
        'must be a time in ISO 8601 with an offset, such as 2027-01-31T00:00:00Z',
    },
  });

export class CreateApiKeyDto {
  /**
   * What the key is for.
   */
  @ApiProperty({ minLength: 1, maxLength: 100, example: 'nightly import' })
  @Read((value) => (typeof value === 'string' ? value.trim() : value))
  @IsSaid({ charsMax: 100 })
  name!: string;

  /**
   * When the key ends; never, when nothing is said.
   * @example 2027-01-31T00:00:00Z
   */
  @ApiPropertyOptional({ type: String, format: 'date-time', nullable: true })
  @IsOptional()
  @IsInstant()
  expires_at?: string | null;
}

export class ApiKeyDto {
  /** @example 019aa1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b */
  @ApiProperty({ format: 'uuid' })
  api_key_id!: string;

  @ApiProperty({ example: 'nightly import' })
  name!: string;

  /** @example 2026-11-21T09:30:00.000Z */
  @ApiProperty({ format: 'date-time' })
  created_at!: string;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  expires_at!: string | null;
}

export class CreatedApiKeyDto extends ApiKeyDto {
  /** The key itself. Only its hash is kept: this is the one time it is shown. */
  api_key!: string;
}

export class ApiKeyListDto {
  /** Newest first. */
  items!: ApiKeyDto[];
}

export const toApiKeyDto = ({ apiKeyId, name, createdAt, expiresAt }: ApiKey): ApiKeyDto => ({
  api_key_id: apiKeyId,
  name,
  created_at: createdAt.toISOString(),
  expires_at: expiresAt?.toISOString() ?? null,
});
