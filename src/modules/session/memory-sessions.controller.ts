import { Body, Controller, Get, Param, Post, Query } from '@nestjs/common';
import {
  ApiCreatedResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiTags,
} from '@nestjs/swagger';
import { ApiIdempotent } from '../../common/api-headers.js';
import { ApiProblems } from '../../common/api-problems.js';
import { CurrentAccount } from '../../common/current-account.js';
import { JsonText } from '../../common/json-text.js';
import { problems } from '../../common/problems.js';
import { Lenient } from '../../common/strict-input.guard.js';
import { WholeNumberPipe } from '../../common/whole-number.pipe.js';
import { Idempotent, type IdempotentRequest } from '../../database/idempotency.js';
import {
  PostSessionMessageDto,
  SessionMessageDto,
  SessionMessagesQuery,
  StartedSessionDto,
  StartSessionDto,
} from './memory-sessions.dto.js';
import { MemorySessionsService } from './memory-sessions.service.js';

const ApiSessionNumber = () =>
  ApiParam({ name: 'session_id', schema: { type: 'integer' }, example: 1 });

/** Sessions that live in the memory of one server process. */
@ApiTags('sessions in memory')
@Lenient()
@Controller('sessions')
export class MemorySessionsController {
  constructor(private readonly sessions: MemorySessionsService) {}

  @Post()
  @JsonText()
  @ApiOperation({
    operationId: 'startSession',
    summary: 'Start a session in memory',
    description:
      'It lives in the memory of the server process that answered: a restart ends it, and other instances do not know it.',
  })
  @ApiCreatedResponse({ type: StartedSessionDto })
  @ApiIdempotent()
  @ApiProblems(problems.tooManySessions)
  start(
    @CurrentAccount() account: string,
    @Idempotent() key: IdempotentRequest | null,
    @Body() { session_user }: StartSessionDto,
  ): Promise<string> {
    return this.sessions.start(account, session_user, key);
  }

  @Post(':session_id/messages')
  @ApiOperation({
    operationId: 'postSessionMessage',
    summary: 'Add a message to a session in memory',
  })
  @ApiSessionNumber()
  @ApiCreatedResponse({ type: SessionMessageDto })
  @ApiIdempotent()
  @ApiProblems(problems.sessionNotFound, problems.sessionFull, problems.tooManySessions)
  post(
    @CurrentAccount() account: string,
    @Idempotent() key: IdempotentRequest | null,
    @Param('session_id', WholeNumberPipe) sessionId: number,
    @Body() body: PostSessionMessageDto,
  ): Promise<SessionMessageDto> {
    return this.sessions.post(account, sessionId, body, key);
  }

  @Get(':session_id/messages')
  @ApiOperation({
    operationId: 'listSessionMessages',
    summary: 'The messages of a session in memory, in their order',
  })
  @ApiSessionNumber()
  @ApiOkResponse({ type: [SessionMessageDto] })
  @ApiProblems(problems.sessionNotFound)
  list(
    @CurrentAccount() account: string,
    @Param('session_id', WholeNumberPipe) sessionId: number,
    @Query() { role }: SessionMessagesQuery,
  ): Promise<SessionMessageDto[]> {
    return this.sessions.read(account, sessionId, role);
  }
}
