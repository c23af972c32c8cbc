import type { Readable } from 'node:stream';
import { Body, Controller, Get, Param, Post, Query, Req, Res } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { StatedJson, Validated } from '../../cache/validated.js';
import { ApiContentState, ApiIdempotent, ApiLinked, ApiRevalidated } from '../../common/api-headers.js';
import { ApiProblems } from '../../common/api-problems.js';
import { CurrentAccount } from '../../common/current-account.js';
import { linkHeader } from '../../common/cursor.js';
import { JsonText } from '../../common/json-text.js';
import { problems } from '../../common/problems.js';
import { UuidPipe } from '../../common/validation.pipe.js';
import { Idempotent, type IdempotentRequest } from '../../database/idempotency.js';
import { QaPairDto } from '../chat/pair.dto.js';
import { MessagePageService } from './message-page.service.js';
import { AddMessageDto, AddMessageQuery, ListMessagesQuery, MessagePageDto, QaPairWithSiblingsDto } from './message.dto.js';
import { MessageService } from './message.service.js';
import { sendEvents, sendPair } from './replies.js';

/** The pairs of a path. The seed's verb route is in `message-verbs.controller.ts`, over the same service. */
@ApiTags('messages')
@Controller('chats/:chat_id/messages')
export class MessageController {
  constructor(
    private readonly messages: MessageService,
    private readonly pages: MessagePageService,
  ) {}

  @Post()
  @JsonText()
  @ApiOperation({
    operationId: 'addMessage',
    summary: 'Add a question with its response, or have the model answer',
    description:
      'With a `response` it is stored as it is; without one the model answers, with the path of this branch as its context; with `null` the question waits without an answer. With `stream: true` the answer comes as server-sent events: `message.accepted` with all ids, `message.delta` `{response_id, n, delta}`, and last `message.completed` or `message.failed` with the pair. Closing the connection never ends the answer.',
  })
  @ApiCreatedResponse({ type: QaPairDto })
  @ApiIdempotent()
  @ApiContentState()
  @ApiProblems(
    problems.chatNotFound,
    problems.messageNotFound,
    problems.branchHeadMoved,
    problems.generationInProgress,
    problems.tooManyAnswers,
    problems.tokensSpent,
    problems.contentUnavailable,
  )
  async add(
    @CurrentAccount() accountId: string,
    @Idempotent() idempotent: IdempotentRequest | null,
    @Param('chat_id', UuidPipe) chatId: string,
    @Query() { branch }: AddMessageQuery,
    @Body() body: AddMessageDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string | Readable> {
    const post = { accountId, chatId, toActive: branch === 'active', idempotent, body };
    return body.stream ? sendEvents(reply, await this.messages.postStreamed(post)) : sendPair(reply, await this.messages.post(post));
  }

  @Get()
  @Validated('chat', { stated: true })
  @ApiOperation({ operationId: 'listMessages', summary: 'A page of the path, in order; the newest one when nothing is said' })
  @ApiOkResponse({ type: MessagePageDto })
  @ApiRevalidated()
  @ApiLinked()
  @ApiProblems(problems.chatNotFound, problems.messageNotFound, problems.contentUnavailable)
  async list(
    @CurrentAccount() account: string,
    @Param('chat_id', UuidPipe) chatId: string,
    @Query() query: ListMessagesQuery,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<StatedJson> {
    const { json, state, prevCursor, nextCursor } = await this.pages.page(account, chatId, query);
    const link = linkHeader(request.url, {
      next: nextCursor === null ? null : ['after', nextCursor],
      prev: prevCursor === null ? null : ['before', prevCursor],
    });
    if (link) reply.header('link', link);
    return new StatedJson(json, state);
  }

  @Get(':response_id')
  @Validated('tree', { stated: true })
  @ApiOperation({
    operationId: 'getMessage',
    summary: 'One pair, with its siblings',
    description: 'The siblings are the other continuations of the same fork point.',
  })
  @ApiOkResponse({ type: QaPairWithSiblingsDto })
  @ApiRevalidated()
  @ApiProblems(problems.chatNotFound, problems.messageNotFound, problems.contentUnavailable)
  one(
    @CurrentAccount() account: string,
    @Param('chat_id', UuidPipe) chatId: string,
    @Param('response_id', UuidPipe) responseId: string,
  ): Promise<StatedJson> {
    return this.pages.one(account, chatId, responseId);
  }
}
