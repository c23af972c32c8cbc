import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsObject, ValidateBy } from 'class-validator';
import { IsSaid, OneOf, Optional } from '../../common/fields.js';
import { Lenient } from '../../common/strict-input.guard.js';

const CHARS_MAX = 200;

const IsRpcId = (): PropertyDecorator =>
  ValidateBy({
    name: 'isRpcId',
    validator: {
      validate: (id) => typeof id === 'string' || Number.isSafeInteger(id),
      defaultMessage: () => 'must be a string or a whole number',
    },
  });

/** One message of JSON-RPC 2.0, as the Model Context Protocol has them. */
@Lenient()
export class McpMessageDto {
  @ApiProperty({ enum: ['2.0'] })
  @OneOf(['2.0'])
  jsonrpc!: '2.0';

  /** @example "tools/call" */
  @IsSaid({ charsMax: CHARS_MAX })
  method!: string;

  /** Of a request; without it the message is a notification, and nothing is answered. */
  @ApiPropertyOptional({ oneOf: [{ type: 'string' }, { type: 'integer' }], example: 1 })
  @Optional()
  @IsRpcId()
  id?: string | number;

  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: true,
    example: { name: 'list_chats', arguments: { limit: 5 } },
  })
  @Optional()
  @IsObject({ message: 'must be an object' })
  params?: Record<string, unknown>;
}
