import { Body, Controller, Delete, Get, Param, Post } from '@nestjs/common';
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
import { NAME_CHARS_MAX, NamePipe } from '../../common/name.js';
import { problems } from '../../common/problems.js';
import { Lenient } from '../../common/strict-input.guard.js';
import { Idempotent, type IdempotentRequest } from '../../database/idempotency.js';
import {
  ChatSessionCountDto,
  ChatSessionDto,
  PostChatSessionMessageDto,
} from './chat-sessions.dto.js';
import { ChatSessionsService } from './chat-sessions.service.js';

const ApiSessionId = () =>
  ApiParam({
    name: 'session_id',
    schema: { type: 'string', minLength: 1, maxLength: NAME_CHARS_MAX },
    example: 'support-42',
  });

/** Sessions by name. Their WebSocket is in `session-sockets.ts`. */
@ApiTags('chat sessions')
@Lenient()
@Controller('v1/chat/sessions')
export class ChatSessionsController {
  constructor(private readonly sessions: ChatSessionsService) {}

  @Get()
  @ApiOperation({
    operationId: 'listChatSessions',
    summary: 'The sessions that have messages, the one written to last first',
    description: 'A session ends when nobody has written to it for `CHAT_SESSION_TTL_SECONDS`.',
  })
  @ApiOkResponse({ type: [ChatSessionCountDto] })
  list(@CurrentAccount() account: string): Promise<ChatSessionCountDto[]> {
    return this.sessions.list(account);
  }

  @Get(':session_id/messages')
  @ApiOperation({
    operationId: 'getChatSession',
    summary: 'A whole session; empty when nobody wrote to it',
    description:
      'At `/v1/chat/sessions/{session_id}/ws` a WebSocket sends `session.sync` with the whole session, then `message.created` and `session.cleared` as they happen; a client posts by sending `{role, content}`.',
  })
  @ApiSessionId()
  @ApiOkResponse({ type: ChatSessionDto })
  read(
    @CurrentAccount() accountId: string,
    @Param('session_id', NamePipe) sessionId: string,
  ): Promise<ChatSessionDto> {
    return this.sessions.read({ accountId, sessionId });
  }

  @Post(':session_id/messages')
  @ApiOperation({
    operationId: 'postChatSessionMessage',
    summary: 'Add a message; answers the whole session',
  })
  @ApiSessionId()
  @ApiCreatedResponse({ type: ChatSessionDto })
  @ApiIdempotent()
  @ApiProblems(problems.sessionFull, problems.tooManySessions)
  post(
    @CurrentAccount() accountId: string,
    @Idempotent() request: IdempotentRequest | null,
    @Param('session_id', NamePipe) sessionId: string,
    @Body() body: PostChatSessionMessageDto,
  ): Promise<ChatSessionDto> {
    return this.sessions.post({ accountId, sessionId }, body, request);
  }

  @Delete(':session_id')
  @ApiOperation({ operationId: 'clearChatSession', summary: 'Empty a session' })
  @ApiSessionId()
  @ApiOkResponse({ type: ChatSessionDto })
  clear(
    @CurrentAccount() accountId: string,
    @Param('session_id', NamePipe) sessionId: string,
  ): Promise<ChatSessionDto> {
    return this.sessions.clear({ accountId, sessionId });
  }
}
