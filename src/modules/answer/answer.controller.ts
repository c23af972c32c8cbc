import type { Readable } from 'node:stream';
import {
  Body,
  Controller,
  Get,
  Headers,
  HttpCode,
  HttpStatus,
  Param,
  Post,
  Res,
} from '@nestjs/common';
import {
  ApiCreatedResponse,
  ApiHeader,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { ApiContentState, ApiIdempotent } from '../../common/api-headers.js';
import { ApiProblems } from '../../common/api-problems.js';
import { CurrentAccount } from '../../common/current-account.js';
import { PAIR_BOUNDS } from '../../common/json-body.js';
import { JsonText } from '../../common/json-text.js';
import { invalidField, problems } from '../../common/problems.js';
import { TakesBody } from '../../common/takes-body.js';
import { UuidPipe } from '../../common/validation.pipe.js';
import { Idempotency, Idempotent, type IdempotentRequest } from '../../database/idempotency.js';
import { QaPairDto } from '../chat/pair.dto.js';
import { draftOf } from '../message/append.service.js';
import {
  EditMessageDto,
  FanOutAnswerDto,
  FanOutDto,
  RegenerateMessageDto,
  RetryMessageDto,
} from '../message/message.dto.js';
import type { Position } from './answer.js';
import { Answers } from './answers.service.js';
import { FanOutService } from './fan-out.service.js';
import { send, sendEvents } from './server-sent-answer.js';
import { RetryService } from './retry.service.js';
import { RevisionService } from './revision.service.js';

/** The id of an event of an answer: which writing of it, and which event of that. */
const POSITION = '^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}):([0-9]{1,9})$';

const MAY_ASK = [
  problems.chatNotFound,
  problems.messageNotFound,
  problems.tooManyAnswers,
  problems.tokensSpent,
  problems.contentUnavailable,
];

/**
 * Answers while they are written, and what is said anew. History is never rewritten: who edits or
 * regenerates gets a sibling branch, which becomes active.
 */
@ApiTags('messages')
@Controller('chats/:chat_id/messages/:response_id')
export class AnswerController {
  constructor(
    private readonly answers: Answers,
    private readonly retries: RetryService,
    private readonly revisions: RevisionService,
    private readonly fanOuts: FanOutService,
    private readonly idempotency: Idempotency,
  ) {}

  @Get('stream')
  @ApiOperation({
    operationId: 'followAnswer',
    summary: 'An answer as it is written, as server-sent events',
    description:
      'What is there of it, what follows, and its end: the events of a post with `stream: true`. Of a finished answer the end alone. Any instance can be asked.',
  })
  @ApiHeader({
    name: 'Last-Event-ID',
    required: false,
    schema: { type: 'string', pattern: POSITION },
    description: 'The `id` of the last event that you have: what came after it is sent.',
  })
  @ApiOkResponse({
    description: 'The stream.',
    content: { 'text/event-stream': { schema: { type: 'string' } } },
  })
  @ApiProblems(problems.chatNotFound, problems.messageNotFound, problems.contentUnavailable)
  async follow(
    @CurrentAccount() accountId: string,
    @Param('chat_id', UuidPipe) chatId: string,
    @Param('response_id', UuidPipe) responseId: string,
    @Headers('last-event-id') lastEventId: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Readable> {
    const position = positionOf(lastEventId);
    return sendEvents(
      reply,
      (await this.answers.find(accountId, chatId, responseId)).events(position),
    );
  }

  @Post('stop')
  @HttpCode(HttpStatus.OK)
  @JsonText()
  @ApiOperation({
    operationId: 'stopAnswer',
    summary: 'End an answer that is being written',
    description:
      'What is there of it is kept, with the status `cancelled`. A finished answer stays as it is.',
  })
  @ApiOkResponse({ type: QaPairDto })
  @ApiIdempotent()
  @ApiProblems(problems.chatNotFound, problems.messageNotFound, problems.contentUnavailable)
  async stop(
    @CurrentAccount() accountId: string,
    @Idempotent() key: IdempotentRequest | null,
    @Param('chat_id', UuidPipe) chatId: string,
    @Param('response_id', UuidPipe) responseId: string,
  ): Promise<string> {
    return this.idempotency.remember(accountId, key, async () =>
      (await this.answers.find(accountId, chatId, responseId)).stop(),
    );
  }

  @Post('retry')
  @JsonText()
  @ApiOperation({
    operationId: 'retryAnswer',
    summary: 'Answer a question again whose answer failed, was interrupted or was cancelled',
    description:
      'The answer is written in its place, asked for with the same settings, of the chat’s model of now or of the one that is named. Where a branch inherited the pair it is written on a sibling branch instead, as by `regenerate`: what is inherited never changes.',
  })
  @ApiCreatedResponse({ type: QaPairDto })
  @ApiIdempotent()
  @ApiContentState()
  @ApiProblems(...MAY_ASK, problems.answerNotRetryable, problems.generationInProgress)
  async retry(
    @CurrentAccount() accountId: string,
    @Idempotent() key: IdempotentRequest | null,
    @Param('chat_id', UuidPipe) chatId: string,
    @Param('response_id', UuidPipe) responseId: string,
    @Body() { stream, model }: RetryMessageDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string | Readable> {
    return send(
      reply,
      await this.retries.retry({ accountId, chatId, responseId, key, model }),
      stream,
    );
  }

  @Post('fan-out')
  @JsonText()
  @ApiOperation({
    operationId: 'fanOutMessage',
    summary: 'Have several models answer this question, side by side',
    description:
      'Each answer is the first pair of a sibling branch of its own; the active branch stays what it is. A model that fails is a failed pair among the others.',
  })
  @ApiCreatedResponse({ type: FanOutAnswerDto })
  @ApiIdempotent()
  @ApiProblems(...MAY_ASK, problems.messageRedacted)
  fanOut(
    @CurrentAccount() accountId: string,
    @Idempotent() key: IdempotentRequest | null,
    @Param('chat_id', UuidPipe) chatId: string,
    @Param('response_id', UuidPipe) responseId: string,
    @Body() { models }: FanOutDto,
  ): Promise<string> {
    return this.fanOuts.fanOut({ accountId, chatId, responseId, key }, models);
  }

  @Post('edit')
  @TakesBody(PAIR_BOUNDS)
  @JsonText()
  @ApiOperation({
    operationId: 'editMessage',
    summary: 'Ask another question in the place of this one, on a sibling branch',
  })
  @ApiCreatedResponse({ type: QaPairDto })
  @ApiIdempotent()
  @ApiContentState()
  @ApiProblems(...MAY_ASK)
  async edit(
    @CurrentAccount() accountId: string,
    @Idempotent() key: IdempotentRequest | null,
    @Param('chat_id', UuidPipe) chatId: string,
    @Param('response_id', UuidPipe) responseId: string,
    @Body() { stream, ...body }: EditMessageDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string | Readable> {
    const { said, ...told } = draftOf(body);
    const revision = { accountId, chatId, responseId, key, ...told };
    return send(reply, await this.revisions.revise(revision, said), stream);
  }

  @Post('regenerate')
  @TakesBody(PAIR_BOUNDS)
  @JsonText()
  @ApiOperation({
    operationId: 'regenerateMessage',
    summary: 'Get another response to this question, on a sibling branch',
  })
  @ApiCreatedResponse({ type: QaPairDto })
  @ApiIdempotent()
  @ApiContentState()
  @ApiProblems(...MAY_ASK, problems.messageRedacted)
  async regenerate(
    @CurrentAccount() accountId: string,
    @Idempotent() key: IdempotentRequest | null,
    @Param('chat_id', UuidPipe) chatId: string,
    @Param('response_id', UuidPipe) responseId: string,
    @Body() { stream, ...told }: RegenerateMessageDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string | Readable> {
    const revision = { accountId, chatId, responseId, key, ...told };
    return send(reply, await this.revisions.revise(revision), stream);
  }
}

function positionOf(lastEventId: string | undefined): Position | null {
  if (!lastEventId) return null;
  const [, generationId, n] = new RegExp(POSITION).exec(lastEventId) ?? [];
  if (!generationId) throw invalidField('Last-Event-ID', 'must be the id of an event');
  return { generationId, n: Number(n) };
}
