import { Body, Controller, Get, Param, Post, Query, Req, Res } from '@nestjs/common';
import {
  ApiCreatedResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ApiContentState, ApiIdempotent, ApiLinked } from '../../common/api-headers.js';
import { ApiProblems } from '../../common/api-problems.js';
import { CurrentAccount } from '../../common/current-account.js';
import { linkPage } from '../../common/cursor.js';
import { JsonText } from '../../common/json-text.js';
import { problems } from '../../common/problems.js';
import { Lenient } from '../../common/strict-input.guard.js';
import { Idempotent, type IdempotentRequest } from '../../database/idempotency.js';
import {
  checkedChatName,
  FirstMessageAnswerDto,
  FirstMessageDto,
  LastMessageDto,
  NumberedMessageDto,
  PostMessageDto,
  ReadMessagesQuery,
} from './first-message.dto.js';
import { FirstMessageService } from './first-message.service.js';
import { NumberedMessagesService } from './numbered-messages.service.js';

const CHAT_NAME = {
  oneOf: [
    { type: 'string', format: 'uuid' },
    { type: 'integer', minimum: 1 },
  ],
};

/**
 * Chats as messages one after the other, known by a number. They are ordinary chats: each message
 * is the question of a QA pair.
 */
@ApiTags('first message')
@Lenient()
@Controller()
export class FirstMessageController {
  constructor(
    private readonly firsts: FirstMessageService,
    private readonly messages: NumberedMessagesService,
  ) {}

  @Post('first_message')
  @JsonText()
  @ApiOperation({
    operationId: 'firstMessage',
    summary: 'Start a chat with its first message',
    description:
      'The chat is an ordinary one, with its UUID as `chat_id` of the other routes; the message is the question of its first QA pair.',
  })
  @ApiCreatedResponse({ type: FirstMessageAnswerDto })
  @ApiIdempotent()
  @ApiContentState()
  async first(
    @CurrentAccount() account: string,
    @Idempotent() key: IdempotentRequest | null,
    @Body() body: FirstMessageDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string> {
    const { json, contentState } = await this.firsts.start(account, key, body);
    if (contentState) reply.header('content-state', contentState);
    return json;
  }

  @Post('messages')
  @JsonText()
  @ApiOperation({ operationId: 'postMessage', summary: 'Add a message to a chat' })
  @ApiCreatedResponse({ type: NumberedMessageDto })
  @ApiIdempotent()
  @ApiContentState()
  @ApiProblems(problems.chatNotFound)
  async post(
    @CurrentAccount() account: string,
    @Idempotent() key: IdempotentRequest | null,
    @Body() body: PostMessageDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string> {
    const { json, contentState } = await this.messages.post(account, key, body);
    if (contentState) reply.header('content-state', contentState);
    return json;
  }

  @Get('messages')
  @ApiOperation({
    operationId: 'readMessages',
    summary: 'The messages of a chat or of the account, oldest first',
    description:
      'A response that a pair was given by another route is a message of its own. Without a chat they are all of the account, in the order of their making. The cursor of the next page is in `Link`.',
  })
  @ApiOkResponse({ type: [NumberedMessageDto] })
  @ApiLinked()
  @ApiProblems(problems.chatNotFound, problems.contentUnavailable)
  async read(
    @CurrentAccount() account: string,
    @Query() query: ReadMessagesQuery,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<NumberedMessageDto[]> {
    const { messages, nextCursor } = await this.messages.page(account, query);
    linkPage(reply, request.url, { next: ['cursor', nextCursor] });
    return messages;
  }

  @Get('last_message/:chat_uuid')
  @ApiOperation({ operationId: 'lastMessage', summary: 'The newest message of a chat' })
  @ApiParam({
    name: 'chat_uuid',
    schema: CHAT_NAME,
    description: 'The chat, by its number or its UUID.',
    example: '1',
  })
  @ApiOkResponse({ type: LastMessageDto })
  @ApiProblems(problems.chatNotFound, problems.messageNotFound, problems.contentUnavailable)
  last(
    @CurrentAccount() account: string,
    @Param('chat_uuid') name: string,
  ): Promise<LastMessageDto> {
    return this.messages.last(account, checkedChatName(name));
  }
}
