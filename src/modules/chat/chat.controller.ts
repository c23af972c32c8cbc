import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  HttpStatus,
  Param,
  Patch,
  Post,
  Query,
  Req,
  Res,
} from '@nestjs/common';
import {
  ApiOkResponse,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type StatedJson, Validated } from '../../cache/validated.js';
import { ApiGuarded, ApiIdempotent, ApiLinked, ApiRevalidated } from '../../common/api-headers.js';
import { ApiProblems } from '../../common/api-problems.js';
import { CurrentAccount } from '../../common/current-account.js';
import { linkPage } from '../../common/cursor.js';
import { etagOf, type IfMatch, ReadIfMatch } from '../../common/etag.js';
import { JsonText } from '../../common/json-text.js';
import { problems } from '../../common/problems.js';
import { UuidPipe } from '../../common/validation.pipe.js';
import { Idempotency, Idempotent, type IdempotentRequest } from '../../database/idempotency.js';
import {
  ChatDto,
  ChatPageDto,
  ChatWithContentDto,
  CreateChatDto,
  DeleteChatQuery,
  ListChatsQuery,
  UpdateChatDto,
} from './chat.dto.js';
import { chatJson } from './chat.columns.js';
import { ChatReader } from './chat.reader.js';
import { ChatService } from './chat.service.js';
import { RemovalService } from './removal.service.js';
import { TreeChanges } from './tree-changes.service.js';

/**
 * Chats as resources. The seed's verb routes are in `chat-verbs.controller.ts`, over the same
 * services.
 */
@ApiTags('chats')
@Controller('chats')
export class ChatController {
  constructor(
    private readonly chats: ChatService,
    private readonly reader: ChatReader,
    private readonly removal: RemovalService,
    private readonly idempotency: Idempotency,
    private readonly trees: TreeChanges,
  ) {}

  @Post()
  @JsonText()
  @ApiOperation({ operationId: 'createChat', summary: 'Start a conversation' })
  @ApiCreatedResponse({ type: ChatDto })
  @ApiIdempotent()
  @ApiProblems(problems.messageNotFound, problems.chatIdTaken)
  create(
    @CurrentAccount() account: string,
    @Idempotent() key: IdempotentRequest | null,
    @Body() body: CreateChatDto,
  ): Promise<string> {
    return this.idempotency.once(account, key, async (tx) =>
      chatJson(await this.chats.create(tx, account, body)),
    );
  }

  @Get()
  @JsonText()
  @ApiOperation({
    operationId: 'listChats',
    summary: 'The conversations of the account, newest first',
    description:
      'Roots only, in the order of their making, so that no page repeats or skips while others write.',
  })
  @ApiOkResponse({ type: ChatPageDto })
  @ApiLinked()
  async list(
    @CurrentAccount() account: string,
    @Query() query: ListChatsQuery,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string> {
    const { items, nextCursor } = await this.chats.list(account, query);
    linkPage(reply, request.url, { next: ['cursor', nextCursor] });
    return `{"items":[${items.map(chatJson).join(',')}],"next_cursor":${JSON.stringify(nextCursor)}}`;
  }

  @Get(':chat_id')
  @Validated('chat', { stated: true })
  @ApiOperation({ operationId: 'getChat', summary: 'A chat and the newest page of its path' })
  @ApiOkResponse({ type: ChatWithContentDto })
  @ApiRevalidated()
  @ApiProblems(problems.chatNotFound, problems.contentUnavailable)
  get(
    @CurrentAccount() account: string,
    @Param('chat_id', UuidPipe) chatId: string,
  ): Promise<StatedJson> {
    return this.reader.read(account, chatId);
  }

  @Patch(':chat_id')
  @JsonText()
  @ApiOperation({ operationId: 'updateChat', summary: 'Rename, pin, archive, or make active' })
  @ApiOkResponse({ type: ChatDto })
  @ApiGuarded()
  @ApiProblems(problems.chatNotFound)
  async update(
    @CurrentAccount() account: string,
    @Param('chat_id', UuidPipe) chatId: string,
    @Body() body: UpdateChatDto,
    @ReadIfMatch() ifMatch: IfMatch,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string> {
    const chat = await this.chats.update(account, chatId, body, ifMatch);
    reply.header('etag', etagOf(chat.revision));
    return chatJson(chat);
  }

  @Delete(':chat_id')
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiOperation({
    operationId: 'deleteChat',
    summary: 'Delete a branch, or with a root the whole conversation',
    description:
      'What is deleted can be restored for 30 days. With `children=keep` the branches of a deleted branch stay and still read what they inherit.',
  })
  @ApiNoContentResponse()
  @ApiGuarded()
  @ApiProblems(problems.chatNotFound, problems.branchHasChildren)
  remove(
    @CurrentAccount() account: string,
    @Param('chat_id', UuidPipe) chatId: string,
    @Query() { children }: DeleteChatQuery,
    @ReadIfMatch() ifMatch: IfMatch,
  ): Promise<void> {
    return this.removal.remove(account, chatId, children, ifMatch);
  }

  @Post(':chat_id/restore')
  @HttpCode(HttpStatus.OK)
  @JsonText()
  @ApiOperation({
    operationId: 'restoreChat',
    summary: 'Undo a deletion',
    description: 'What was deleted together comes back together.',
  })
  @ApiOkResponse({ type: ChatDto })
  @ApiIdempotent()
  @ApiProblems(problems.chatNotFound, problems.conversationDeleted)
  restore(
    @CurrentAccount() account: string,
    @Idempotent() key: IdempotentRequest | null,
    @Param('chat_id', UuidPipe) chatId: string,
  ): Promise<string> {
    return this.trees.once(account, chatId, key, async (tx) =>
      chatJson(await this.removal.restore(tx, account, chatId)),
    );
  }
}
