import { ApiPropertyOptional } from '@nestjs/swagger';
import { OneOf, Optional } from '../../common/fields.js';
import {
  EXPORT_FORMATS,
  EXPORT_SCOPES,
  type ExportFormat,
  type ExportScope,
} from './export.service.js';

export class ExportQuery {
  /**
   * `banyan` (lines of JSON: everything, to be brought in again), `chatgpt` (the JSON of its
   * exports), `openai` (messages as lines of JSON, one for each path) or `markdown`; `banyan` when
   * nothing is said.
   */
  @ApiPropertyOptional({ enum: EXPORT_FORMATS })
  @Optional()
  @OneOf(EXPORT_FORMATS)
  format: ExportFormat = 'banyan';
}

export class ExportChatQuery extends ExportQuery {
  /**
   * The path of this chat alone (`chat`), or all of its `conversation`. When nothing is said
   * `markdown` is of the chat, and every other format of the conversation.
   */
  @ApiPropertyOptional({ enum: EXPORT_SCOPES })
  @Optional()
  @OneOf(EXPORT_SCOPES)
  scope?: ExportScope;
}
