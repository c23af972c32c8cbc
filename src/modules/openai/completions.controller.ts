import { Body, Controller, Headers, HttpCode, HttpStatus, Post, Res } from '@nestjs/common';
import {
  ApiExtraModels,
  ApiHeader,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
  getSchemaPath,
} from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { ApiProblems } from '../../common/api-problems.js';
import { CurrentAccount } from '../../common/current-account.js';
import { CHAT_BOUNDS } from '../../common/json-body.js';
import { problems } from '../../common/problems.js';
import { Lenient } from '../../common/strict-input.guard.js';
import { TakesBody } from '../../common/takes-body.js';
import { Idempotent, type IdempotentRequest } from '../../database/idempotency.js';
import { BranchCompletions } from './branch-completions.service.js';
import { COMPLETION_FIELDS } from './field-fates.js';
import { furtherFields } from './further-fields.js';
import { CompletionsService } from './completions.service.js';
import { ChatCompletionDto, CreateChatCompletionDto } from './openai.dto.js';
import { goneSignal, sendEventStream } from './replies.js';

@ApiTags('openai')
@Lenient()
@Controller('v1/chat/completions')
export class CompletionsController {
  constructor(
    private readonly completions: CompletionsService,
    private readonly branches: BranchCompletions,
  ) {}

  @Post()
  @TakesBody(CHAT_BOUNDS)
  @HttpCode(HttpStatus.OK)
  @ApiOperation({
    operationId: 'createChatCompletion',
    summary: 'Ask a model, as with OpenAI; nothing is kept, unless a branch is named',
    description:
      'With `stream: true` the answer is server-sent events: chunks as OpenAI sends them, and `[DONE]`. The model stops when the client leaves. With `X-Branch-Id` the last message is a question in that branch: its path is the context, and the answer is kept and goes on when the client leaves.',
  })
  @ApiHeader({
    name: 'X-Branch-Id',
    required: false,
    schema: { type: 'string', format: 'uuid' },
    description:
      'A `chat_id`: the last message is posted there. The messages before it are not stored, and only those of systems and developers are read.',
  })
  @ApiExtraModels(ChatCompletionDto)
  @ApiOkResponse({
    description: 'The answer.',
    content: {
      'application/json': { schema: { $ref: getSchemaPath(ChatCompletionDto) } },
      'text/event-stream': { schema: { type: 'string' } },
    },
  })
  @ApiProblems(
    problems.chatNotFound,
    problems.modelNotFound,
    problems.generationInProgress,
    problems.tooManyAnswers,
    problems.tokensSpent,
    problems.contextTooLong,
    problems.tooManyAnswers,
    problems.tokensSpent,
    problems.modelRateLimited,
    problems.modelFailed,
    problems.modelUnavailable,
    problems.modelTimeout,
  )
  async create(
    @CurrentAccount() accountId: string,
    @Idempotent() idempotent: IdempotentRequest | null,
    @Headers('x-branch-id') branchId: string | undefined,
    @Body() dto: CreateChatCompletionDto,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const body = { ...dto, more: furtherFields(reply.request.body, COMPLETION_FIELDS) };
    if (branchId !== undefined) {
      const asked = { accountId, branchId, body, idempotent };
      return body.stream
        ? sendEventStream(reply, await this.branches.stream(asked))
        : void reply.send(await this.branches.complete(asked));
    }
    const signal = goneSignal(reply);
    if (!body.stream)
      return void reply.send(await this.completions.complete(accountId, body, signal));
    sendEventStream(reply, await this.completions.stream(accountId, body, signal));
  }
}
