import { ApiProperty } from '@nestjs/swagger';

/** What clients of OpenAI's API read of an error. */
export class OpenAiErrorBodyDto {
  /** For people. */
  message!: string;

  @ApiProperty({ enum: ['invalid_request_error', 'rate_limit_error', 'server_error'] })
  type!: string;

  /** The field that is at fault, where there is one. */
  param!: string | null;

  /** What programs should look at. @example "model_not_found" */
  code!: string;
}

/** OpenAI's form of an error, on the routes that speak its API. */
export class OpenAiErrorDto {
  error!: OpenAiErrorBodyDto;
}
