import { ApiProperty } from '@nestjs/swagger';

export class PairCountsDto {
  /** Pairs of this chat itself. */
  @ApiProperty({ example: 2 })
  own!: number;
  /** Pairs that it sees of its ancestors. */
  @ApiProperty({ example: 1 })
  inherited!: number;
  @ApiProperty({ example: 3 })
  total!: number;
}

/** All but `pairs` count the whole path, inherited pairs included. */
export class SummaryCountsDto {
  pairs!: PairCountsDto;
  /** Pairs that have a question: an assistant may speak first, or twice in a row. */
  @ApiProperty({ example: 3 })
  questions!: number;
  /** Pairs that have a response. */
  @ApiProperty({ example: 3 })
  responses!: number;
  /** Of questions and responses. */
  @ApiProperty({ example: 87 })
  words!: number;
}

export class HighlightDto {
  response_id!: string;
  /**
   * Literally in the question or the response of that pair. @example "The midnight sun begins at
   * the Arctic Circle."
   */
  quote!: string;
}

export class SummaryDto {
  chat_id!: string;
  message_count!: number;
  counts!: SummaryCountsDto;
  /** When the first pair of the path was made; null while there is none. */
  @ApiProperty({
    type: String,
    format: 'date-time',
    nullable: true,
    example: '2026-11-21T09:30:00.000Z',
  })
  first_at!: string | null;
  /** When its last pair was made. */
  @ApiProperty({
    type: String,
    format: 'date-time',
    nullable: true,
    example: '2026-11-21T09:45:00.000Z',
  })
  last_at!: string | null;
  /** At most five, in the order of the path, out of its first 20 and its last 80 pairs. */
  highlights!: HighlightDto[];
  /** Who chose the highlights: `extractive`, or the name of a model. */
  @ApiProperty({ example: 'extractive' })
  generated_by!: string;
}
