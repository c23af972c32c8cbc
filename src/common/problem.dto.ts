import { ApiProperty } from '@nestjs/swagger';
import { problems } from './problems.js';

const CODES = Object.values(problems).map(({ kind }) => kind.code);

/** What is wrong with one field. */
export class FieldErrorDto {
  /** Dotted path of the field; empty for the body as a whole. @example "metadata.url" */
  path!: string;

  /** How to mend it. @example "must be an absolute http or https URL" */
  message!: string;
}

/** The last pair of a chat. */
export class HeadDto {
  chat_id!: string;

  /** Null while the chat is empty. */
  response_id!: string | null;

  seq!: number;
}

/** Problem details (RFC 9457): every answer with a status of 400 and above. */
export class ProblemDto {
  /** Where the code is explained, relative to the server. */
  @ApiProperty({ format: 'uri-reference', example: '/docs/errors#chat_not_found' })
  type!: string;

  /** The same sentence for every problem with this code. */
  title!: string;

  /** The status of the answer. */
  status!: number;

  /** What programs should look at. */
  @ApiProperty({ enum: CODES, example: 'chat_not_found' })
  code!: string;

  /** About this very case, for people. */
  detail!: string;

  /** Also in the header `X-Request-Id` and in the log of the server. */
  @ApiProperty({ example: '7d9f2c1e-6a57-4a3c-9a39-0a4d1f6f5b7e' })
  request_id!: string;

  /** With `validation_failed`: the fields that are not acceptable, 20 of them at most. */
  errors?: FieldErrorDto[];

  /** How many faults were found besides those; behind them there may be others. */
  errors_more?: number;

  /** Below `/aui`, as its client reads it: the same as `detail`. */
  message?: string;

  /** Below `/aui`, as its client reads it: the same as `code`. */
  error?: string;

  /** With `branch_head_moved`: the pair that is the last one now. */
  head?: HeadDto;

  /** With `revision_stale`: the revision now. */
  revision?: number;

  /** With `branch_has_children`: how many there are. */
  branches_total?: number;
}
