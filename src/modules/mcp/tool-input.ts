import type { Type } from '@nestjs/common';
import { readDto } from '../../common/dto-reader.js';
import { Faults } from '../../common/faults.js';
import { IsId } from '../../common/fields.js';
import type { IdempotentRequest } from '../../database/idempotency.js';
import { CompareQuery } from '../branch/branch.dto.js';
import { MergeDto } from '../merge/merge.dto.js';
import { ListMessagesQuery } from '../message/message.dto.js';
import type { Tool } from './tools.js';

/** Who calls a tool, and with what. */
export interface ToolCall {
  accountId: string;
  /** Of the request that brought it. */
  key: IdempotentRequest | null;
  arguments: Record<string, unknown>;
}

/** Does what a tool is for; answers JSON. @throws Problem */
export type ToolHandler = (tool: Tool, call: ToolCall) => Promise<string>;

export class ReadBranchInput extends ListMessagesQuery {
  @IsId()
  chat_id!: string;
}

export class CompareInput extends CompareQuery {
  @IsId()
  chat_id!: string;
}

export class MergeInput extends MergeDto {
  @IsId()
  chat_id!: string;
}

/**
 * The arguments of a call, held to the rules of the route that does the same. What the tool does
 * not list is refused, also where the route would take it.
 * @throws validation_failed
 */
export function readInput<Dto extends object>(
  dto: Type<Dto>,
  { inputSchema: { properties } }: Tool,
  { arguments: input }: ToolCall,
): Dto {
  const faults = new Faults();
  const isKnown = (name: string): boolean => Object.hasOwn(properties, name);
  faults.addUnknown(Object.keys(input).filter((name) => !isKnown(name)));
  const known = Object.fromEntries(Object.entries(input).filter(([name]) => isKnown(name)));
  const read = readDto(dto, known, { faults, checkText: true });
  faults.throwIfAny();
  return read;
}
