import { ApiProperty } from '@nestjs/swagger';
import { IsSaid, Optional } from '../../common/fields.js';
import { SOURCES, type Source } from '../../formats/source.js';
import { IMPORT_STATUSES, type ImportStatus } from './import.entity.js';
import { emptyReport, type ImportReport } from './import-report.js';
import type { ImportRow } from './imports.sql.js';

export class CreateImportQuery {
  /** What the file is called; of a multipart body its part says it. */
  @Optional()
  @IsSaid({ charsMax: 255 })
  name?: string;
}

export class ImportProgressDto {
  /** Of the conversations in the file, unpacked. */
  bytes_read!: number;
  /** Conversations that were dealt with. */
  conversations!: number;
}

export class ImportedConversationsDto {
  read!: number;
  /** Were not there yet. */
  added!: number;
  /** Were there, and something was new. */
  updated!: number;
  /** Were there as they are. */
  unchanged!: number;
  refused!: number;
}

export class ImportedThingsDto {
  /** Roots and branches. */
  chats!: number;
  pairs!: number;
  /** Of conversations that were not there yet, as their source counts them. */
  messages!: number;
  files!: number;
}

export class RefusedConversationDto {
  /** Its name or its id. */
  conversation!: string;
  code!: string;
  message!: string;
}

export class ImportReportDto {
  conversations!: ImportedConversationsDto;
  added!: ImportedThingsDto;
  /** What could not be taken as it was, by kind, and how often: see docs/imports.md. */
  @ApiProperty({ type: 'object', additionalProperties: { type: 'integer' } })
  changed!: Record<string, number>;
  /** The first 100. */
  refused!: RefusedConversationDto[];
}

export class ImportErrorDto {
  code!: string;
  message!: string;
}

/** A file of conversations that is brought in, or was. */
export class ImportDto {
  @ApiProperty({ format: 'uuid' })
  import_id!: string;
  @ApiProperty({ enum: IMPORT_STATUSES.slice(1) })
  status!: ImportStatus;
  name!: string | null;
  /** Where the conversations come from; null until that is known. */
  @ApiProperty({ enum: [...SOURCES, null], type: String, nullable: true })
  source!: Source | null;
  bytes!: number;
  progress!: ImportProgressDto;
  report!: ImportReportDto;
  /** Why it failed; what had come in by then stays. */
  @ApiProperty({ type: ImportErrorDto, nullable: true })
  error!: ImportErrorDto | null;
  @ApiProperty({ format: 'date-time' })
  created_at!: string;
  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  started_at!: string | null;
  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  ended_at!: string | null;
}

export class ImportPageDto {
  items!: ImportDto[];
  next_cursor!: string | null;
}

export function toImportDto(row: ImportRow): ImportDto {
  const report = { ...emptyReport(), ...(JSON.parse(row.report) as Partial<ImportReport>) };
  return {
    import_id: row.import_id,
    status: row.status,
    name: row.name,
    source: row.source,
    bytes: row.bytes,
    progress: { bytes_read: row.bytes_read, conversations: report.conversations.read },
    report,
    error: row.error === null ? null : (JSON.parse(row.error) as ImportErrorDto),
    created_at: row.created_at.toISOString(),
    started_at: row.started_at?.toISOString() ?? null,
    ended_at: row.ended_at?.toISOString() ?? null,
  };
}
