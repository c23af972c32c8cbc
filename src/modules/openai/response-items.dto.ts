import { ApiExtraModels, ApiProperty, ApiPropertyOptional, getSchemaPath } from '@nestjs/swagger';

const STATUSES = ['in_progress', 'completed', 'incomplete'] as const;
type ItemStatus = (typeof STATUSES)[number];

export class ItemContentDto {
  @ApiProperty({ enum: ['input_text', 'input_image', 'input_file', 'output_text', 'refusal'] })
  type!: string;

  text?: string;
  refusal?: string;

  /** Of what an assistant says. */
  @ApiPropertyOptional({ type: 'array', items: { type: 'object' } })
  annotations?: object[];

  /** Of what an assistant says: always empty. */
  @ApiPropertyOptional({ type: 'array', items: { type: 'object' } })
  logprobs?: object[];

  /** Of a picture: how closely the model shall look. */
  detail?: string;

  /** A file of `/v1/files`. */
  @ApiPropertyOptional({ type: String, nullable: true })
  file_id?: string | null;

  @ApiPropertyOptional({ type: String, nullable: true })
  image_url?: string | null;

  file_url?: string;
  file_data?: string;
  filename?: string;
}

/** What somebody says: of a question, what its user, systems and developers say. */
export class MessageItemDto {
  @ApiProperty({ enum: ['message'] })
  type!: 'message';

  /**
   * `msg_<response_id>`, of a question `msg_q_<response_id>`, of an instruction
   * `msg_s_<response_id>`. @example "msg_019aa1b3-0d4e-7a6b-9c8d-2e3f4a5b6c7d"
   */
  id!: string;

  @ApiProperty({ enum: ['user', 'assistant', 'system', 'developer'] })
  role!: 'user' | 'assistant' | 'system' | 'developer';

  @ApiProperty({ enum: STATUSES })
  status!: ItemStatus;

  content!: ItemContentDto[];

  @ApiPropertyOptional({ enum: ['commentary', 'final_answer'] })
  phase?: 'commentary' | 'final_answer';
}

/** A call of a function by the model. */
export class CallItemDto {
  @ApiProperty({ enum: ['function_call'] })
  type!: 'function_call';

  /** `fc_<response_id>`; a number behind it from the second one on. */
  id!: string;

  call_id!: string;
  name!: string;

  /** JSON, as the model wrote it. */
  arguments!: string;

  @ApiProperty({ enum: STATUSES })
  status!: ItemStatus;
}

/** What a function gave. */
export class ResultItemDto {
  @ApiProperty({ enum: ['function_call_output'] })
  type!: 'function_call_output';

  /** `fco_<response_id>` of the pair whose question it is. */
  id!: string;

  call_id!: string;

  @ApiProperty({
    oneOf: [{ type: 'string' }, { type: 'array', items: { $ref: getSchemaPath(ItemContentDto) } }],
  })
  output!: string | ItemContentDto[];

  @ApiProperty({ enum: STATUSES })
  status!: ItemStatus;
}

export class ReasoningTextDto {
  @ApiProperty({ enum: ['summary_text', 'reasoning_text'] })
  type!: 'summary_text' | 'reasoning_text';

  text!: string;
}

/** What the model thought. */
export class ReasoningItemDto {
  @ApiProperty({ enum: ['reasoning'] })
  type!: 'reasoning';

  /** `rs_<response_id>`. */
  id!: string;

  summary!: ReasoningTextDto[];
  content?: ReasoningTextDto[];

  /** What the provider must get back unread. */
  encrypted_content?: string;

  @ApiProperty({ enum: STATUSES })
  status!: ItemStatus;
}

export type ItemDto = MessageItemDto | CallItemDto | ResultItemDto | ReasoningItemDto;

export const ITEM_DTOS = [MessageItemDto, CallItemDto, ResultItemDto, ReasoningItemDto] as const;
export const ITEM_SCHEMA = { oneOf: ITEM_DTOS.map((dto) => ({ $ref: getSchemaPath(dto) })) };
export const ApiItems = (): ClassDecorator => ApiExtraModels(ItemContentDto, ...ITEM_DTOS);
