import { Body, Controller, Get, Post, Put, Query, Req, Res } from '@nestjs/common';
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
import { Idempotent, type IdempotentRequest } from '../../database/idempotency.js';
import { ChatDto } from '../chat/chat.dto.js';
import { ChatService } from '../chat/chat.service.js';
import { ForkService } from '../chat/fork.service.js';
import {
  ActiveBranchAnswerDto,
  ActiveBranchByBodyDto,
  BranchTreeDto,
  CreateBranchByBodyDto,
  TreeByQuery,
} from './branch.dto.js';
import { BranchService } from './branch.service.js';

/** The verb routes of the seed: other doors to what `branch.controller.ts` serves. */
@ApiTags('verb routes')
@Controller('branches')
export class BranchVerbsController {
  constructor(
    private readonly branches: BranchService,
    private readonly forks: ForkService,
    private readonly chats: ChatService,
  ) {}

  @Post('create-branch')
  @JsonText()
  @ApiOperation({ operationId: 'createBranchVerb', summary: 'Branch from any pair of the path' })
  @ApiCreatedResponse({ type: ChatDto })
  @ApiIdempotent()
  @ApiProblems(problems.chatNotFound, problems.messageNotFound, problems.generationInProgress)
  create(
    @CurrentAccount() account: string,
    @Idempotent() key: IdempotentRequest | null,
    @Body() { chat_id, ...branch }: CreateBranchByBodyDto,
  ): Promise<string> {
    return this.forks.make(account, chat_id, key, branch);
  }

  @Get('get-branches')
  @Validated('tree', { stated: true })
  @ApiOperation({ operationId: 'getBranchesVerb', summary: 'The tree of the whole conversation' })
  @ApiOkResponse({ type: BranchTreeDto })
  @ApiLinked()
  @ApiRevalidated()
  @ApiProblems(problems.chatNotFound)
  async tree(
    @CurrentAccount() account: string,
    @Query() { chat_id, ...query }: TreeByQuery,
    @Req() { url }: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<StatedJson> {
    const { json, nextCursor } = await this.branches.page(account, chat_id, query);
    linkPage(reply, url, { next: ['cursor', nextCursor] });
    return json;
  }

  @Put('set-active-branch')
  @ApiOperation({ operationId: 'setActiveBranchVerb', summary: 'Switch to another branch' })
  @ApiOkResponse({ type: ActiveBranchAnswerDto })
  @ApiGuarded()
  @ApiProblems(problems.chatNotFound)
  async activate(
    @CurrentAccount() account: string,
    @Body() { chat_id, branch_chat_id }: ActiveBranchByBodyDto,
    @ReadIfMatch() ifMatch: IfMatch,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ActiveBranchAnswerDto> {
    const { answer, revision } = await this.chats.activate(
      account,
      chat_id,
      branch_chat_id,
      ifMatch,
    );
    reply.header('etag', etagOf(revision));
    return answer;
  }
}
