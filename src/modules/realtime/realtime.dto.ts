import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsId, IsSaid, Optional, QueryInt } from '../../common/fields.js';
import { SEQ_MAX } from './frames.js';

export class EventsQuery {
  /** Any chat of the conversation; absent: the events of the account. */
  @Optional()
  @IsId()
  chat_id?: string;

  /**
   * `seq` of the last event that you have: those after it come first. Only new ones when absent.
   */
  @ApiPropertyOptional({ type: 'integer', minimum: 0, maximum: SEQ_MAX })
  @Optional()
  @QueryInt(0, SEQ_MAX)
  since?: number;

  /**
   * From `POST /events/ticket`, in the place of an `Authorization` header, which `EventSource`
   * cannot send. Good once.
   */
  @Optional()
  @IsSaid({ charsMax: 200 })
  ticket?: string;
}

export class TicketDto {
  /** Good once, for 60 seconds, as `?ticket=` of the stream or the WebSocket. */
  @ApiProperty({
    example: 'btk_AZqhssPUfl-Kanx9jp8KKw_2Yt0m3nEwqk0f3mJ9w8cXo5b1hB7aRzLr6sVd4pTgYU',
  })
  ticket!: string;
}
