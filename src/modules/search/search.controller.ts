import { Controller, Get, Query, Req, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ApiLinked } from '../../common/api-headers.js';
import { ApiProblems } from '../../common/api-problems.js';
import { CurrentAccount } from '../../common/current-account.js';
import { linkPage } from '../../common/cursor.js';
import { problems } from '../../common/problems.js';
import { HitPageDto, SearchQueryDto } from './search.dto.js';
import { SearchService } from './search.service.js';

@ApiTags('search')
@Controller('search')
export class SearchController {
  constructor(private readonly searches: SearchService) {}

  @Get()
  @ApiOperation({
    operationId: 'search',
    summary: 'Find what was said, in all conversations or in one',
    description:
      'Each pair is found once, also where many branches see it. A new pair is found within two seconds; what is deleted or redacted is not found any more. The best are the best of the newest 40 that match, then those of the 40 before them, and so on.',
  })
  @ApiOkResponse({ type: HitPageDto })
  @ApiLinked()
  @ApiProblems(problems.chatNotFound, problems.contentUnavailable)
  async search(
    @CurrentAccount() accountId: string,
    @Query() query: SearchQueryDto,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<HitPageDto> {
    const page = await this.searches.search(accountId, query);
    linkPage(reply, request.url, { next: ['cursor', page.next_cursor] });
    return page;
  }
}
