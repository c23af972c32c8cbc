import { Controller, Get, Param, Query, Req, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { StatedJson, Validated } from '../../cache/validated.js';
import { ApiLinked, ApiRevalidated } from '../../common/api-headers.js';
import { ApiProblems } from '../../common/api-problems.js';
import { CurrentAccount } from '../../common/current-account.js';
import { linkPage } from '../../common/cursor.js';
import { problems } from '../../common/problems.js';
import { ShortWay } from '../../common/short-way.js';
import { UuidPipe } from '../../common/validation.pipe.js';
import { MessagePageService } from './message-page.service.js';
import { ListMessagesQuery, MessagePageDto, QaPairWithSiblingsDto } from './message.dto.js';

/** The pairs of a path as they are read; `answer/post.controller.ts` takes new ones. */
@ApiTags('messages')
@Controller('chats/:chat_id/messages')
export class MessageController {
  constructor(private readonly pages: MessagePageService) {}

  @Get()
  @ShortWay()
  @Validated('chat', { stated: true, treeIf: 'siblings' })
  @ApiOperation({
    operationId: 'listMessages',
    summary: 'A page of the path, in order; the newest one when nothing is said',
  })
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
    linkPage(reply, request.url, {
      next: ['after', nextCursor],
      prev: ['before', prevCursor],
    });
    return new StatedJson(json, state);
  }

  @Get(':response_id')
  @ShortWay()
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
