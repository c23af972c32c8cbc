import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional } from 'class-validator';
import { Read } from '../../common/dto-reader.js';
import { IsInstant, IsSaid } from '../../common/fields.js';
import type { ApiKey } from './api-key.entity.js';

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
