import {
  Controller,
  Delete,
  Get,
  HttpCode,
  HttpStatus,
  Param,
  Query,
  Req,
  Res,
} from '@nestjs/common';
import {
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ApiLinked } from '../../common/api-headers.js';
import { ApiProblems } from '../../common/api-problems.js';
import { CurrentAccount } from '../../common/current-account.js';
import { linkPage } from '../../common/cursor.js';
import { PageQuery } from '../../common/page.dto.js';
import { problems } from '../../common/problems.js';
import { UuidPipe } from '../../common/validation.pipe.js';
import { AuthSessionPageDto, toAuthSessionDto } from './sign-ins.dto.js';
import { SignIns } from './sign-ins.service.js';

@ApiTags('auth')
@Controller('auth/sessions')
export class SignInsController {
  constructor(private readonly signIns: SignIns) {}

  @Get()
  @ApiOperation({
    operationId: 'listAuthSessions',
    summary: 'Where the account is signed in, newest first',
  })
  @ApiOkResponse({ type: AuthSessionPageDto })
  @ApiLinked()
  async list(
    @Query() query: PageQuery,
    @Req() { url, principal }: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<AuthSessionPageDto> {
    const { accountId, sessionId } = principal!;
    const { items, nextCursor } = await this.signIns.list(accountId, query);
    linkPage(reply, url, { next: ['cursor', nextCursor] });
    return {
      items: items.map((row) => toAuthSessionDto(row, sessionId)),
      next_cursor: nextCursor,
    };
  }

  @Delete(':session_id')
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiOperation({
    operationId: 'endAuthSession',
    summary: 'Sign out there: end the sign-in, and every token of it',
  })
  @ApiParam({ name: 'session_id', format: 'uuid' })
  @ApiNoContentResponse()
  @ApiProblems(problems.sessionNotFound)
  end(
    @CurrentAccount() accountId: string,
    @Param('session_id', UuidPipe) sessionId: string,
  ): Promise<void> {
    return this.signIns.end(accountId, sessionId);
  }
}
