import { Readable } from 'node:stream';
import { Body, Controller, HttpCode, HttpStatus, Post, Res } from '@nestjs/common';
import { ApiExtraModels, ApiOkResponse, ApiOperation, ApiTags, getSchemaPath } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { ApiProblems } from '../../common/api-problems.js';
import { CurrentAccount } from '../../common/current-account.js';
import { problems } from '../../common/problems.js';
import { Lenient } from '../../common/strict-input.guard.js';
import { CompletionsService } from './completions.service.js';
import { ChatCompletionDto, CreateChatCompletionDto } from './openai.dto.js';

/** Chunks that wait for a slow reader; the model is not asked for more than that. */
const CHUNKS_WAITING_MAX = 16;

@ApiTags('openai')
@Lenient()
@Controller('v1/chat/completions')
export class CompletionsController {
  constructor(private readonly completions: CompletionsService) {}

  @Post()
  @HttpCode(HttpStatus.OK)
  @ApiOperation({
    operationId: 'createChatCompletion',
    summary: 'Ask a model, as with OpenAI; nothing is kept',
    description:
      'With `stream: true` the answer is server-sent events: chunks as OpenAI sends them, and `[DONE]`. The model stops when the client leaves.',
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
    problems.modelNotFound,
    problems.contextTooLong,
    problems.tooManyAnswers,
    problems.tokensSpent,
    problems.modelRateLimited,
    problems.modelFailed,
    problems.modelUnavailable,
    problems.modelTimeout,
  )
  async create(@CurrentAccount() account: string, @Body() body: CreateChatCompletionDto, @Res() reply: FastifyReply): Promise<void> {
    const signal = goneSignal(reply);
    if (body.stream !== true) return void reply.send(await this.completions.complete(account, body, signal));
    const chunks = Readable.from(await this.completions.stream(account, body, signal), { highWaterMark: CHUNKS_WAITING_MAX });
    void reply
      .header('content-type', 'text/event-stream; charset=utf-8')
      .header('cache-control', 'no-cache, no-transform')
      // nginx would gather the chunks until its buffer is full.
      .header('x-accel-buffering', 'no')
      .send(chunks);
  }
}

/** Aborts when the client goes before its answer has ended. */
function goneSignal({ raw }: FastifyReply): AbortSignal {
  const gone = new AbortController();
  if (raw.destroyed) gone.abort();
  raw.once('close', () => {
    if (!raw.writableFinished) gone.abort();
  });
  return gone.signal;
}
