import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsCursor, Optional, QueryInt } from './fields.js';

/** What a list that comes in pages is asked with. */
export class PageQuery {
  /** How many a page has at most. */
  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: 100 })
  @Optional()
  @QueryInt(1, 100)
  limit: number = 50;

  /** `next_cursor` of the page before. */
  @Optional()
  @IsCursor()
  cursor?: string;
}
