import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  HttpStatus,
  Param,
  Post,
  Put,
  Query,
  Res,
} from '@nestjs/common';
import {
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { ApiIdempotent } from '../../common/api-headers.js';
import { ApiProblems } from '../../common/api-problems.js';
import { CurrentAccount } from '../../common/current-account.js';
import { exactJson } from '../../common/exact-json.js';
import { CHAT_BOUNDS } from '../../common/json-body.js';
import { JsonText } from '../../common/json-text.js';
import { NAME_CHARS_MAX, NamePipe } from '../../common/name.js';
import { problems } from '../../common/problems.js';
import { TakesBody } from '../../common/takes-body.js';
import { Idempotency, Idempotent, type IdempotentRequest } from '../../database/idempotency.js';
import { ClientChatsService } from '../client-chat/client-chats.service.js';
import { AuiMessages } from './aui-messages.service.js';
import { AuiThreads } from './aui-threads.service.js';
import { AuiTree } from './aui-tree.service.js';
import {
  AuiLeaseDto,
  AuiMessageMadeDto,
  AuiMessagesDto,
  AuiRunStreamDto,
  AuiThreadAnswerDto,
  AuiThreadMadeDto,
  AuiThreadsDto,
  CreateAuiMessageDto,
  CreateAuiThreadDto,
  DeleteAuiMessagesDto,
  EndAuiRunDto,
  ListAuiMessagesQuery,
  ListAuiThreadsQuery,
  UpdateAuiMessageDto,
  UpdateAuiThreadDto,
} from './aui.dto.js';

/** Readers take a message for left behind after 30 s; none here is told of a lease. */
const LEASE: AuiLeaseDto = { heartbeat_interval_ms: 15_000 };

const ApiThreadId = () =>
  ApiParam({
    name: 'thread_id',
    schema: { type: 'string', minLength: 1, maxLength: NAME_CHARS_MAX },
    description: 'A `chat_id` of a root, or an `external_id`.',
  });

/** The API of the Assistant Cloud (`assistant-cloud`, assistant-ui), over ordinary chats. */
@ApiTags('Assistant Cloud')
@Controller('aui/v1')
export class AuiController {
  constructor(
    private readonly threads: AuiThreads,
    private readonly tree: AuiTree,
    private readonly messages: AuiMessages,
    private readonly clientChats: ClientChatsService,
    private readonly idempotency: Idempotency,
  ) {}

  @Get('threads')
  @JsonText()
  @ApiOperation({
    operationId: 'listAuiThreads',
    summary: 'The threads of the account, newest first',
  })
  @ApiOkResponse({ type: AuiThreadsDto })
  @ApiProblems(problems.chatNotFound)
  async list(
    @CurrentAccount() accountId: string,
    @Query() query: ListAuiThreadsQuery,
  ): Promise<string> {
    return exactJson({ threads: await this.threads.list(accountId, query) });
  }

  @Post('threads')
  @HttpCode(HttpStatus.OK)
  @JsonText()
  @ApiOperation({ operationId: 'createAuiThread', summary: 'Begin a thread' })
  @ApiOkResponse({ type: AuiThreadMadeDto })
  @ApiIdempotent()
  @ApiProblems(problems.chatNotFound)
  create(
    @CurrentAccount() accountId: string,
    @Idempotent() key: IdempotentRequest | null,
    @Body() body: CreateAuiThreadDto,
  ): Promise<string> {
    const made = (thread_id: string) => JSON.stringify({ thread_id } satisfies AuiThreadMadeDto);
    const { external_id: name } = body;
    // What has a name of the client's own is found by that again.
    if (name)
      return this.idempotency.remember(accountId, key, async () =>
        made(await this.threads.named(accountId, name, body)),
      );
    return this.idempotency.once(accountId, key, async (tx) =>
      made(await this.threads.create(tx, accountId, body)),
    );
  }

  @Get('threads/:thread_id')
  @JsonText()
  @ApiOperation({ operationId: 'getAuiThread', summary: 'A thread' })
  @ApiThreadId()
  @ApiOkResponse({ type: AuiThreadAnswerDto })
  @ApiProblems(problems.chatNotFound)
  async get(
    @CurrentAccount() accountId: string,
    @Param('thread_id', NamePipe) threadId: string,
  ): Promise<string> {
    return exactJson({ thread: await this.threads.get(accountId, threadId) });
  }

  @Put('threads/:thread_id')
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiOperation({ operationId: 'updateAuiThread', summary: 'Rename a thread, or put it away' })
  @ApiThreadId()
  @ApiNoContentResponse()
  @ApiProblems(problems.chatNotFound)
  update(
    @CurrentAccount() accountId: string,
    @Param('thread_id', NamePipe) threadId: string,
    @Body() body: UpdateAuiThreadDto,
  ): Promise<void> {
    return this.threads.update(accountId, threadId, body);
  }

  @Delete('threads/:thread_id')
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiOperation({
    operationId: 'deleteAuiThread',
    summary: 'Delete a thread with all its branches',
  })
  @ApiThreadId()
  @ApiNoContentResponse()
  @ApiProblems(problems.chatNotFound)
  remove(
    @CurrentAccount() accountId: string,
    @Param('thread_id', NamePipe) threadId: string,
  ): Promise<void> {
    return this.threads.remove(accountId, threadId);
  }

  @Get('threads/:thread_id/messages')
  @JsonText()
  @ApiOperation({
    operationId: 'listAuiMessages',
    summary: 'The messages of all branches, children before their parents',
    description:
      'The client reads them from the end and opens the first one: the last message of the active branch, where nothing follows it. A page that is shorter than `limit` is the last one.',
  })
  @ApiThreadId()
  @ApiOkResponse({ type: AuiMessagesDto })
  @ApiProblems(problems.chatNotFound, problems.messageNotFound, problems.contentUnavailable)
  async page(
    @CurrentAccount() accountId: string,
    @Param('thread_id', NamePipe) threadId: string,
    @Query() query: ListAuiMessagesQuery,
  ): Promise<string> {
    const rootChatId = await this.clientChats.find(accountId, threadId);
    return exactJson({ messages: await this.tree.page(accountId, rootChatId, query) });
  }

  @Post('threads/:thread_id/messages')
  @TakesBody(CHAT_BOUNDS)
  @HttpCode(HttpStatus.OK)
  @ApiOperation({
    operationId: 'createAuiMessage',
    summary: 'Keep a message behind its parent',
    description:
      'What an assistant says is the answer to the question that it follows; a second one is a branch beside it.',
  })
  @ApiThreadId()
  @ApiOkResponse({ type: AuiMessageMadeDto })
  @ApiIdempotent()
  @ApiProblems(problems.chatNotFound, problems.messageNotFound, problems.contentUnavailable)
  async add(
    @CurrentAccount() accountId: string,
    @Idempotent() key: IdempotentRequest | null,
    @Param('thread_id', NamePipe) threadId: string,
    @Body() body: CreateAuiMessageDto,
  ): Promise<AuiMessageMadeDto> {
    const rootChatId = await this.clientChats.find(accountId, threadId);
    const message_id = await this.messages.add({ accountId, rootChatId, key }, body);
    return { message_id, ...(body.open_run && { lease_id: message_id, ...LEASE }) };
  }

  @Delete('threads/:thread_id/messages')
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiOperation({
    operationId: 'deleteAuiMessages',
    summary: 'Erase messages',
    description:
      'For good, as a redaction. What follows an erased message stays; where only the question or only the answer of a pair goes, no branch may have it.',
  })
  @ApiThreadId()
  @ApiNoContentResponse()
  @ApiProblems(
    problems.chatNotFound,
    problems.messageNotFound,
    problems.branchHeadMoved,
    problems.contentUnavailable,
  )
  async erase(
    @CurrentAccount() accountId: string,
    @Param('thread_id', NamePipe) threadId: string,
    @Body() { message_ids: ids }: DeleteAuiMessagesDto,
  ): Promise<void> {
    const rootChatId = await this.clientChats.find(accountId, threadId);
    await this.messages.remove({ accountId, rootChatId, key: null }, ids);
  }

  @Post('threads/:thread_id/runs/:lease_id/heartbeat')
  @HttpCode(HttpStatus.OK)
  @ApiOperation({
    operationId: 'holdAuiRun',
    summary: 'Say that a message still grows',
    description: 'A lease is never taken away: this only tells whether there is its message.',
  })
  @ApiThreadId()
  @ApiOkResponse({ type: AuiLeaseDto })
  @ApiProblems(problems.chatNotFound, problems.messageNotFound)
  async hold(
    @CurrentAccount() accountId: string,
    @Param('thread_id', NamePipe) threadId: string,
    @Param('lease_id', NamePipe) leaseId: string,
  ): Promise<AuiLeaseDto> {
    const rootChatId = await this.clientChats.find(accountId, threadId);
    await this.messages.hold(accountId, rootChatId, leaseId);
    return LEASE;
  }

  @Post('threads/:thread_id/runs/:lease_id/end')
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiOperation({ operationId: 'endAuiRun', summary: 'Give a lease back' })
  @ApiThreadId()
  @ApiNoContentResponse()
  @ApiProblems(problems.chatNotFound, problems.messageNotFound)
  async end(
    @CurrentAccount() accountId: string,
    @Param('thread_id', NamePipe) threadId: string,
    @Param('lease_id', NamePipe) leaseId: string,
    @Body() _body: EndAuiRunDto,
  ): Promise<void> {
    const rootChatId = await this.clientChats.find(accountId, threadId);
    await this.messages.hold(accountId, rootChatId, leaseId);
  }

  @Put('threads/:thread_id/messages/:message_id')
  @TakesBody(CHAT_BOUNDS)
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiOperation({ operationId: 'updateAuiMessage', summary: 'Say a message anew, in its place' })
  @ApiThreadId()
  @ApiNoContentResponse()
  @ApiProblems(
    problems.chatNotFound,
    problems.messageNotFound,
    problems.branchHeadMoved,
    problems.contentUnavailable,
  )
  async change(
    @CurrentAccount() accountId: string,
    @Param('thread_id', NamePipe) threadId: string,
    @Param('message_id', NamePipe) messageId: string,
    @Body() { content }: UpdateAuiMessageDto,
  ): Promise<void> {
    const rootChatId = await this.clientChats.find(accountId, threadId);
    await this.messages.update({ accountId, rootChatId, key: null }, messageId, content);
  }

  @Post('runs/stream')
  @TakesBody(CHAT_BOUNDS)
  @HttpCode(HttpStatus.OK)
  @ApiOperation({
    operationId: 'streamAuiRun',
    summary: 'Give a thread a title',
    description: 'By what a person says first in it. There is no other `assistant_id`.',
  })
  @ApiOkResponse({
    description: 'The title.',
    content: { 'text/plain': { schema: { type: 'string' } } },
  })
  @ApiProblems(problems.chatNotFound)
  async title(
    @CurrentAccount() accountId: string,
    @Body() body: AuiRunStreamDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string> {
    reply.header('content-type', 'text/plain; charset=utf-8');
    return this.threads.titleFor(accountId, body);
  }
}
