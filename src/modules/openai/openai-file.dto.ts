import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsSaid, OneOf, Optional, QueryInt } from '../../common/fields.js';
import { Lenient } from '../../common/strict-input.guard.js';
import type { FileRow } from '../file/file.sql.js';
import { fileName, NAME_PATTERNS } from './openai-ids.js';

export const PURPOSES = [
  'assistants',
  'batch',
  'fine-tune',
  'vision',
  'user_data',
  'evals',
] as const;
/** Of a file that came by our own API, where nobody says what it is for. */
const NO_PURPOSE = 'user_data';
const PAGE_MAX = 10_000;
const EXAMPLE = 'file-019aa1b8-4d5e-7f60-8a7b-8c9d0e1f2a3b';

@Lenient()
export class ListOpenAiFilesQuery {
  /** How many a page has at most. */
  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: PAGE_MAX })
  @Optional()
  @QueryInt(1, PAGE_MAX)
  limit: number = PAGE_MAX;

  /** The last file of the page before. */
  @ApiPropertyOptional({ example: EXAMPLE, pattern: NAME_PATTERNS.file })
  @Optional()
  @IsSaid({ charsMax: 64 })
  after?: string;

  /** By the time of their making. */
  @ApiPropertyOptional({ enum: ['asc', 'desc'] })
  @Optional()
  @OneOf(['asc', 'desc'])
  order: 'asc' | 'desc' = 'desc';

  /** Only files for this purpose. */
  @Optional()
  @IsSaid({ charsMax: 64 })
  purpose?: string;
}

export class OpenAiFileDto {
  @ApiProperty({ example: EXAMPLE })
  id!: string;

  @ApiProperty({ enum: ['file'] })
  object!: 'file';

  @ApiProperty({ type: 'integer', example: 48_213 })
  bytes!: number;

  /** In seconds since 1970. */
  @ApiProperty({ type: 'integer', example: 1_795_426_200 })
  created_at!: number;

  @ApiProperty({ example: 'fjord.png' })
  filename!: string;

  @ApiProperty({ example: 'vision' })
  purpose!: string;

  @ApiProperty({ enum: ['processed'] })
  status!: 'processed';
}

export class OpenAiFileListDto {
  @ApiProperty({ enum: ['list'] })
  object!: 'list';

  data!: OpenAiFileDto[];

  @ApiProperty({ type: String, nullable: true, example: EXAMPLE })
  first_id!: string | null;

  @ApiProperty({ type: String, nullable: true, example: EXAMPLE })
  last_id!: string | null;

  has_more!: boolean;
}

export class DeletedOpenAiFileDto {
  @ApiProperty({ example: EXAMPLE })
  id!: string;

  @ApiProperty({ enum: ['file'] })
  object!: 'file';

  deleted!: boolean;
}

export const toOpenAiFileDto = (file: FileRow): OpenAiFileDto => ({
  id: fileName(file.file_id),
  object: 'file',
  bytes: file.bytes,
  created_at: Math.floor(file.created_at.getTime() / 1000),
  filename: file.name ?? file.file_id,
  purpose: file.purpose ?? NO_PURPOSE,
  status: 'processed',
});
