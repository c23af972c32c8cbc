import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsId, Optional, QueryInt } from '../../common/fields.js';
import { SEQ_MAX } from './frames.js';

export class EventsQuery {
  /** Any chat of the conversation. */
  @IsId()
  chat_id!: string;

  /**
   * `seq` of the last event that you have: those after it come first. Only new ones when absent.
   */
  @ApiPropertyOptional({ type: 'integer', minimum: 0, maximum: SEQ_MAX })
  @Optional()
  @QueryInt(0, SEQ_MAX)
  since?: number;
}
