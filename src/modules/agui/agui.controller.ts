import type { Readable } from 'node:stream';
import {
  Body,
  Controller,
  Get,
  HttpCode,
  HttpStatus,
  Param,
  Post,
  Query,
  Req,
  Res,
} from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ApiIdempotent, ApiLinked } from '../../common/api-headers.js';
import { ApiProblems } from '../../common/api-problems.js';
import { CurrentAccount } from '../../common/current-account.js';
import { linkPage } from '../../common/cursor.js';
import { exactJson } from '../../common/exact-json.js';
import { CHAT_BOUNDS } from '../../common/json-body.js';
import { JsonText } from '../../common/json-text.js';
import { NAME_CHARS_MAX, NamePipe } from '../../common/name.js';
import { OwnFields } from '../../common/own-fields.js';
import { problems } from '../../common/problems.js';
import { Lenient } from '../../common/strict-input.guard.js';
import { TakesBody } from '../../common/takes-body.js';
import { Idempotency, Idempotent, type IdempotentRequest } from '../../database/idempotency.js';
import { EVENT_STREAM_HEADERS } from '../../runtime/event-stream.js';
import { serverSent } from '../answer/server-sent-answer.js';
import { AguiService } from './agui.service.js';
import { AguiThreads } from './agui-threads.service.js';
import {
  AguiHistoryDto,
  AguiStoppedDto,
  AguiThreadsDto,
  ListThreadsQuery,
  RUN_FIELDS,
  RunAgentDto,
  RunAgentInputDto,
  ThreadMessagesQuery,
} from './agui.dto.js';
import { type AgentRun, runEvents } from './run-events.js';

const ApiEvents = () =>
  ApiOkResponse({
    description: 'The events.',
    content: { 'text/event-stream': { schema: { type: 'string' } } },
  });
const ApiThreadId = () =>
  ApiParam({
    name: 'thread_id',
    schema: { type: 'string', minLength: 1, maxLength: NAME_CHARS_MAX },
    example: 'trip-to-the-north',
    description: 'As the client says it: a `chat_id`, or an id that it made up.',
  });
const ApiRunProblems = () =>
  ApiProblems(
    problems.chatNotFound,
    problems.messageNotFound,
    problems.fileNotFound,
    problems.filesFull,
    problems.tooManyAnswers,
    problems.tokensSpent,
    problems.contentUnavailable,
  );

/** The wire of AG-UI 1.0 (`HttpAgent` of `@ag-ui/client`), over ordinary chats. */
@ApiTags('AG-UI')
@Controller('agui')
export class AguiController {
  constructor(
    private readonly agui: AguiService,
    private readonly threads: AguiThreads,
    private readonly idempotency: Idempotency,
  ) {}

  @Post()
  @TakesBody(CHAT_BOUNDS)
  @Lenient()
  @HttpCode(HttpStatus.OK)
  @ApiOperation({
    operationId: 'runAgent',
    summary: 'Run: say what is new, and have the model answer',
    description:
      'Answers the events of one run. A `threadId` that nobody used before makes a chat. Messages that do not follow the newest answer make a branch; a question that is there already is answered anew. Closing the stream does not end the answer.',
  })
  @ApiEvents()
  @ApiRunProblems()
  async run(
    @CurrentAccount() accountId: string,
    @Idempotent() idempotent: IdempotentRequest | null,
    @Body() body: RunAgentDto,
    @OwnFields(RUN_FIELDS) own: Record<string, unknown>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Readable> {
    return streamed(reply, await this.agui.run(accountId, { ...body, own }, null, idempotent));
  }

  @Post('connect')
  @TakesBody(CHAT_BOUNDS)
  @Lenient()
  @HttpCode(HttpStatus.OK)
  @ApiOperation({
    operationId: 'connectAgent',
    summary: 'Replay: what was said, and the answer that is being written',
    description:
      'A run that says nothing: a snapshot of the newest messages of the active branch, the state, and all of the answer that is being written. Only `threadId` and `runId` are read.',
  })
  @ApiEvents()
  @ApiProblems(problems.contentUnavailable)
  async connect(
    @CurrentAccount() accountId: string,
    @Body() body: RunAgentInputDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Readable> {
    return streamed(reply, await this.threads.replay(accountId, body));
  }

  @Get('threads')
  @ApiOperation({ operationId: 'listThreads', summary: 'The threads of the account' })
  @ApiOkResponse({ type: AguiThreadsDto })
  @ApiLinked()
  async list(
    @CurrentAccount() accountId: string,
    @Query() query: ListThreadsQuery,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<AguiThreadsDto> {
    const page = await this.threads.list(accountId, query);
    linkPage(reply, request.url, { next: ['cursor', page.nextCursor] });
    return page;
  }

  @Get('threads/:thread_id/messages')
  @JsonText()
  @ApiOperation({
    operationId: 'getThreadMessages',
    summary: 'The messages of the active branch, to begin an agent with',
  })
  @ApiThreadId()
  @ApiOkResponse({ type: AguiHistoryDto })
  @ApiLinked()
  @ApiProblems(problems.chatNotFound, problems.contentUnavailable)
  async history(
    @CurrentAccount() accountId: string,
    @Param('thread_id', NamePipe) threadId: string,
    @Query() query: ThreadMessagesQuery,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string> {
    const page = await this.threads.history(accountId, threadId, query);
    const { previousCursor: cursor } = page;
    linkPage(reply, request.url, { prev: ['before', cursor] });
    return exactJson(page);
  }

  @Post('threads/:thread_id/stop')
  @Lenient()
  @HttpCode(HttpStatus.OK)
  @JsonText()
  @ApiOperation({
    operationId: 'stopThread',
    summary: 'Interrupt: end the answer that is being written',
    description:
      'What is there of it is kept, and its run ends as `cancelled`. `abortRun()` of `HttpAgent` only closes the stream; call this to end the answer.',
  })
  @ApiThreadId()
  @ApiOkResponse({ type: AguiStoppedDto })
  @ApiIdempotent()
  @ApiProblems(problems.chatNotFound, problems.contentUnavailable)
  stop(
    @CurrentAccount() accountId: string,
    @Idempotent() idempotent: IdempotentRequest | null,
    @Param('thread_id', NamePipe) threadId: string,
  ): Promise<string> {
    return this.idempotency.remember(accountId, idempotent, async () => {
      const stopped = await this.threads.stop(accountId, threadId);
      return JSON.stringify({ stopped } satisfies AguiStoppedDto);
    });
  }
}

export function streamed(reply: FastifyReply, run: AgentRun): Readable {
  reply.headers(EVENT_STREAM_HEADERS);
  return serverSent(runEvents(run));
}
