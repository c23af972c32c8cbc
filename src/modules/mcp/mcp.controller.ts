import { Body, Controller, HttpCode, HttpStatus, Post, Res } from '@nestjs/common';
import { ApiAcceptedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { ApiProblems } from '../../common/api-problems.js';
import { CurrentAccount } from '../../common/current-account.js';
import { isOriginAllowed } from '../../common/origins.js';
import { problems } from '../../common/problems.js';
import { Lenient } from '../../common/strict-input.guard.js';
import { Config } from '../../config/config.js';
import { originsOf } from '../../config/origins.js';
import { Idempotent, type IdempotentRequest } from '../../database/idempotency.js';
import { McpMessageDto } from './mcp.dto.js';
import { McpService } from './mcp.service.js';

/** The Model Context Protocol over streamable HTTP: one message a request, and no sessions. */
@ApiTags('MCP')
@Lenient()
@Controller('mcp')
export class McpController {
  constructor(
    private readonly mcp: McpService,
    private readonly config: Config,
  ) {}

  @Post()
  @HttpCode(HttpStatus.OK)
  @ApiOperation({
    operationId: 'callMcp',
    summary: 'Send a message of the Model Context Protocol',
    description:
      'Revisions 2026-07-28 and those of 2025, without sessions. Tools: `search_chats`, `list_chats`, `get_branch`, `get_tree`, `compare_branches`, `append_message`, `create_branch`, `merge_branch`; what they answer is the JSON of the routes that do the same, and what they refuse the problem document, as the result of the tool. Resources: `chat://{root_chat_id}/branch/{chat_id}`, a branch as Markdown.',
  })
  @ApiOkResponse({
    description: 'A message of JSON-RPC, as JSON or as the one event of a stream.',
    content: {
      'application/json': { schema: { type: 'object', additionalProperties: true } },
      'text/event-stream': { schema: { type: 'string' } },
    },
  })
  @ApiAcceptedResponse({ description: 'It was a notification.' })
  @ApiProblems(problems.originForbidden)
  async call(
    @CurrentAccount() accountId: string,
    @Idempotent() key: IdempotentRequest | null,
    @Body() _message: McpMessageDto,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { request } = reply;
    if (!isOriginAllowed(request.headers, originsOf(this.config))) throw problems.originForbidden();
    const caller = { accountId, key, requestId: request.id };
    void reply.send(await this.mcp.answer(webRequest(reply), request.body, caller));
  }
}

/** The request as the SDK reads it, but for its body, which is read already. */
function webRequest({ request }: FastifyReply): Request {
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headers))
    for (const one of [value ?? []].flat()) headers.append(name, one);
  // Who takes anything takes both; the SDK wants them by name.
  if ((headers.get('accept') ?? '*/*') === '*/*')
    headers.set('accept', 'application/json, text/event-stream');
  headers.set('content-type', 'application/json');
  return new Request(new URL(request.url, 'http://banyan.invalid'), { method: 'POST', headers });
}
