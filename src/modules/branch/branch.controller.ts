import { Body, Controller, Get, Param, Post, Put, Query, Req, Res } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type StatedJson, Validated } from '../../cache/validated.js';
import { ApiGuarded, ApiIdempotent, ApiLinked, ApiRevalidated } from '../../common/api-headers.js';
import { ApiProblems } from '../../common/api-problems.js';
import { linkPage } from '../../common/cursor.js';
import { CurrentAccount } from '../../common/current-account.js';
import { etagOf, type IfMatch, ReadIfMatch } from '../../common/etag.js';
import { JsonText } from '../../common/json-text.js';
import { problems } from '../../common/problems.js';
import { UuidPipe } from '../../common/validation.pipe.js';
import { Idempotent, type IdempotentRequest } from '../../database/idempotency.js';
import { ChatDto } from '../chat/chat.dto.js';
import { ChatService } from '../chat/chat.service.js';
import { ForkService } from '../chat/fork.service.js';
import {
  ActiveBranchAnswerDto,
  ActiveBranchDto,
  BranchTreeDto,
  CompareQuery,
  ComparisonDto,
  CreateBranchDto,
  TreeQuery,
} from './branch.dto.js';
import { BranchService } from './branch.service.js';
import { CompareService } from './compare.service.js';

/**
 * Branches as resources of a chat. The seed's verb routes are in `branch-verbs.controller.ts`, over
 * the same services.
 */
@ApiTags('branches')
@Controller('chats/:chat_id')
export class BranchController {
  constructor(
    private readonly branches: BranchService,
    private readonly forks: ForkService,
    private readonly chats: ChatService,
    private readonly comparison: CompareService,
  ) {}

  @Post('branches')
  @JsonText()
  @ApiOperation({
    operationId: 'createBranch',
    summary: 'Branch from any pair of the path',
    description:
      'The branch sees that pair and all before it. It hangs under the chat that owns the pair, and costs one row whatever the length of the chat.',
  })
  @ApiCreatedResponse({ type: ChatDto })
  @ApiIdempotent()
  @ApiProblems(problems.chatNotFound, problems.messageNotFound, problems.generationInProgress)
  create(
    @CurrentAccount() account: string,
    @Idempotent() key: IdempotentRequest | null,
    @Param('chat_id', UuidPipe) chatId: string,
    @Body() body: CreateBranchDto,
  ): Promise<string> {
    return this.forks.make(account, chatId, key, body);
  }

  @Get('branches')
  @Validated('tree', { stated: true })
  @ApiOperation({
    operationId: 'getBranches',
    summary: 'The tree of the whole conversation',
    description:
      'From any of its chats, in pages of at most 1,000 chats, parents before their children. The branches of a deleted chat hang under its nearest living ancestor. Each page is a tree; `parent_chat_id` tells where a chat belongs when its ancestors are too many to be shown.',
  })
  @ApiOkResponse({ type: BranchTreeDto })
  @ApiLinked()
  @ApiRevalidated()
  @ApiProblems(problems.chatNotFound)
  async tree(
    @CurrentAccount() account: string,
    @Param('chat_id', UuidPipe) chatId: string,
    @Query() query: TreeQuery,
    @Req() { url }: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<StatedJson> {
    const { json, nextCursor } = await this.branches.page(account, chatId, query);
    linkPage(reply, url, { next: ['cursor', nextCursor] });
    return json;
  }

  @Put('active-branch')
  @ApiOperation({ operationId: 'setActiveBranch', summary: 'Switch to another branch' })
  @ApiOkResponse({ type: ActiveBranchAnswerDto })
  @ApiGuarded()
  @ApiProblems(problems.chatNotFound)
  async activate(
    @CurrentAccount() account: string,
    @Param('chat_id', UuidPipe) chatId: string,
    @Body() { branch_chat_id }: ActiveBranchDto,
    @ReadIfMatch() ifMatch: IfMatch,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ActiveBranchAnswerDto> {
    const { answer, revision } = await this.chats.activate(
      account,
      chatId,
      branch_chat_id,
      ifMatch,
    );
    reply.header('etag', etagOf(revision));
    return answer;
  }

  @Get('compare')
  @JsonText()
  @Validated('tree')
  @ApiOperation({
    operationId: 'compareChats',
    summary: 'The common ancestor of two chats, and their tails',
    description: 'Both tails begin after the last pair that the two paths share.',
  })
  @ApiOkResponse({ type: ComparisonDto })
  @ApiRevalidated()
  @ApiProblems(problems.chatNotFound, problems.contentUnavailable)
  compare(
    @CurrentAccount() account: string,
    @Param('chat_id', UuidPipe) chatId: string,
    @Query() query: CompareQuery,
  ): Promise<string> {
    return this.comparison.compare(account, chatId, query.with);
  }
}
