import {
  Body,
  Controller,
  Delete,
  Get,
  Headers,
  HttpCode,
  HttpStatus,
  Param,
  Post,
  Query,
  Req,
  Res,
} from '@nestjs/common';
import {
  ApiCreatedResponse,
  ApiExtraModels,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
  getSchemaPath,
  ApiParam,
} from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ApiIdempotent, ApiLinked } from '../../common/api-headers.js';
import { ApiProblems } from '../../common/api-problems.js';
import { CurrentAccount } from '../../common/current-account.js';
import { linkPage } from '../../common/cursor.js';
import { JsonText } from '../../common/json-text.js';
import { PageQuery } from '../../common/page.dto.js';
import { problems } from '../../common/problems.js';
import { Public } from '../../common/public.js';
import { UuidPipe } from '../../common/validation.pipe.js';
import { varyBy } from '../../common/vary.js';
import { Idempotency, Idempotent, type IdempotentRequest } from '../../database/idempotency.js';
import { NewShareDto, SharedDto, ShareChatDto, SharesDto } from './share.dto.js';
import { ShareService } from './share.service.js';
import { sharedJson } from './shared-json.js';
import { PAGE_HEADERS, sharedPage } from './shared-page.js';

/** Links to branches: made, listed and ended by their owner, read by whoever has one. */
@ApiTags('shares')
@Controller()
export class ShareController {
  constructor(
    private readonly shares: ShareService,
    private readonly idempotency: Idempotency,
  ) {}

  @Post('chats/:chat_id/share')
  @JsonText()
  @ApiOperation({
    operationId: 'shareChat',
    summary: 'A link by which anybody who has it reads this branch',
    description:
      'It ends at a pair, the newest one when none is named, unless it follows the branch. What is redacted or deleted is gone from it at once. The token is told this once; only its hash is kept.',
  })
  @ApiCreatedResponse({ type: NewShareDto })
  @ApiIdempotent()
  @ApiProblems(
    problems.chatNotFound,
    problems.messageNotFound,
    problems.tooManyShares,
    problems.contentUnavailable,
  )
  async share(
    @CurrentAccount() accountId: string,
    @Idempotent() key: IdempotentRequest | null,
    @Param('chat_id', UuidPipe) chatId: string,
    @Body() body: ShareChatDto,
  ): Promise<string> {
    const end = await this.shares.endOf(accountId, chatId, body);
    return this.idempotency.once(accountId, key, (tx) =>
      this.shares.make(tx, accountId, chatId, end, body),
    );
  }

  @Get('chats/:chat_id/shares')
  @ApiOperation({ operationId: 'listShares', summary: 'The links to this branch, newest first' })
  @ApiOkResponse({ type: SharesDto })
  @ApiProblems(problems.chatNotFound)
  async list(
    @CurrentAccount() accountId: string,
    @Param('chat_id', UuidPipe) chatId: string,
  ): Promise<SharesDto> {
    return { items: await this.shares.list(accountId, chatId) };
  }

  @Delete('shares/:share_id')
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiOperation({ operationId: 'endShare', summary: 'End a link, from this moment on' })
  @ApiNoContentResponse()
  @ApiProblems(problems.shareNotFound)
  remove(
    @CurrentAccount() accountId: string,
    @Param('share_id', UuidPipe) shareId: string,
  ): Promise<void> {
    return this.shares.remove(accountId, shareId);
  }

  @Get('shared/:token')
  @ApiParam({ name: 'token', schema: { type: 'string', minLength: 1 } })
  @Public()
  @ApiExtraModels(SharedDto)
  @ApiOperation({
    operationId: 'readShared',
    security: [],
    summary: 'What a link shows, from the first pair on; no token of an account is needed',
    description:
      'A page of HTML without scripts for a browser (`Accept: text/html`), else JSON. Nothing of it may be kept by caches or search engines.',
  })
  @ApiOkResponse({
    content: {
      'application/json': { schema: { $ref: getSchemaPath(SharedDto) } },
      'text/html': { schema: { type: 'string' } },
    },
  })
  @ApiLinked()
  @ApiProblems(problems.shareNotFound, problems.contentUnavailable)
  async read(
    @Param('token') token: string,
    @Query() query: PageQuery,
    @Headers('accept') accept: string | undefined,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string> {
    const shared = await this.shares.read(token, query);
    varyBy(reply, 'accept');
    reply.headers({
      'cache-control': 'no-store',
      'x-robots-tag': 'noindex, nofollow, noarchive',
      'content-type': 'application/json; charset=utf-8',
    });
    const next = shared.nextCursor;
    linkPage(reply, request.url, { next: ['cursor', next] });
    if (!wantsPage(accept)) return sharedJson(shared);
    reply.headers({ ...PAGE_HEADERS });
    return sharedPage(shared, query.limit);
  }
}

/** Browsers name `text/html` first; programs that take anything get JSON. */
const wantsPage = (accept = ''): boolean => {
  const [page, json] = [accept.indexOf('text/html'), accept.indexOf('application/json')];
  return page >= 0 && (json < 0 || page < json);
};
