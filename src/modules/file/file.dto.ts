import { ApiProperty } from '@nestjs/swagger';
import type { FileRow } from './file.sql.js';

/** For the API document: any bytes. */
export const BYTES = { 'application/octet-stream': { schema: {} } };
export const FORM_FILE = { type: 'string', contentMediaType: 'application/octet-stream' } as const;

export class FileDto {
  file_id!: string;

  /** As whoever sent it calls it. */
  @ApiProperty({ type: String, nullable: true, example: 'fjord.png' })
  name!: string | null;

  /** What the bytes are, whatever was said. */
  @ApiProperty({ example: 'image/png' })
  media_type!: string;

  @ApiProperty({ type: 'integer', example: 48_213 })
  bytes!: number;

  /** In hex. */
  @ApiProperty({
    pattern: '^[0-9a-f]{64}$',
    example: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
  })
  sha256!: string;

  created_at!: string;
}

export class FilePageDto {
  /** Newest first. */
  items!: FileDto[];
  next_cursor!: string | null;
}

export const toFileDto = (file: FileRow): FileDto => ({
  file_id: file.file_id,
  name: file.name,
  media_type: file.media_type,
  bytes: file.bytes,
  sha256: file.sha256,
  created_at: file.created_at.toISOString(),
});
