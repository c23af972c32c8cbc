import type { Readable } from 'node:stream';
import { Body, Controller, Post, Query, Res } from '@nestjs/common';
import { ApiCreatedResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { ApiContentState, ApiIdempotent } from '../../common/api-headers.js';
import { ApiProblems } from '../../common/api-problems.js';
import { CurrentAccount } from '../../common/current-account.js';
import { JsonText } from '../../common/json-text.js';
import { problems } from '../../common/problems.js';
import { Idempotent, type IdempotentRequest } from '../../database/idempotency.js';
import { QaPairDto } from '../chat/pair.dto.js';
import { AddMessageByBodyDto, AddMessageQuery } from '../message/message.dto.js';
import { PostService } from './post.service.js';
import { send } from './replies.js';

/** The verb route of the seed: another door to what `post.controller.ts` serves. */
@ApiTags('verb routes')
@Controller('messages')
export class PostVerbsController {
  constructor(private readonly posts: PostService) {}

  @Post('add-message')
  @JsonText()
  @ApiOperation({ operationId: 'addMessageVerb', summary: 'Add a question with its response, or have the model answer' })
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
    @Idempotent() key: IdempotentRequest | null,
    @Query() { branch }: AddMessageQuery,
    @Body() { chat_id: chatId, ...body }: AddMessageByBodyDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string | Readable> {
    const post = { accountId, chatId, toActive: branch === 'active', key, body };
    return send(reply, await this.posts.post(post), body.stream);
  }
}
