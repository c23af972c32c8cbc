import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  HttpStatus,
  Post,
  Put,
  Query,
  Res,
} from '@nestjs/common';
import {
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { type StatedJson, Validated } from '../../cache/validated.js';
import { ApiGuarded, ApiIdempotent, ApiRevalidated } from '../../common/api-headers.js';
import { ApiProblems } from '../../common/api-problems.js';
import { CurrentAccount } from '../../common/current-account.js';
import { etagOf, type IfMatch, ReadIfMatch } from '../../common/etag.js';
import { JsonText } from '../../common/json-text.js';
import { problems } from '../../common/problems.js';
import { Idempotency, Idempotent, type IdempotentRequest } from '../../database/idempotency.js';
import {
  ChatDto,
  ChatIdQuery,
  ChatWithContentDto,
  CreateChatDto,
  DeleteChatByQuery,
  UpdateChatByBodyDto,
} from './chat.dto.js';
import { chatJson } from './chat.columns.js';
import { ChatReader } from './chat.reader.js';
import { ChatService } from './chat.service.js';
import { RemovalService } from './removal.service.js';

/** The verb routes of the seed: other doors to what `chat.controller.ts` serves. */
@ApiTags('verb routes')
@Controller('chats')
export class ChatVerbsController {
  constructor(
    private readonly chats: ChatService,
    private readonly reader: ChatReader,
    private readonly removal: RemovalService,
    private readonly idempotency: Idempotency,
  ) {}

  @Post('create-chat')
  @JsonText()
  @ApiOperation({ operationId: 'createChatVerb', summary: 'Start a conversation' })
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

  @Get('get-chat')
  @Validated('chat', { stated: true })
  @ApiOperation({ operationId: 'getChatVerb', summary: 'A chat and the newest page of its path' })
  @ApiOkResponse({ type: ChatWithContentDto })
  @ApiRevalidated()
  @ApiProblems(problems.chatNotFound, problems.contentUnavailable)
  get(@CurrentAccount() account: string, @Query() { chat_id }: ChatIdQuery): Promise<StatedJson> {
    return this.reader.read(account, chat_id);
  }

  @Put('update-chat')
  @JsonText()
  @ApiOperation({ operationId: 'updateChatVerb', summary: 'Rename, pin, archive, or make active' })
  @ApiOkResponse({ type: ChatDto })
  @ApiGuarded()
  @ApiProblems(problems.chatNotFound)
  async update(
    @CurrentAccount() account: string,
    @Body() { chat_id, ...changes }: UpdateChatByBodyDto,
    @ReadIfMatch() ifMatch: IfMatch,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string> {
    const chat = await this.chats.update(account, chat_id, changes, ifMatch);
    reply.header('etag', etagOf(chat.revision));
    return chatJson(chat);
  }

  @Delete('delete-chat')
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiOperation({
    operationId: 'deleteChatVerb',
    summary: 'Delete a branch, or with a root the whole conversation',
  })
  @ApiNoContentResponse()
  @ApiGuarded()
  @ApiProblems(problems.chatNotFound, problems.branchHasChildren)
  remove(
    @CurrentAccount() account: string,
    @Query() { chat_id, children }: DeleteChatByQuery,
    @ReadIfMatch() ifMatch: IfMatch,
  ): Promise<void> {
    return this.removal.remove(account, chat_id, children, ifMatch);
  }
}
