import type { Readable } from 'node:stream';
import { Body, Controller, Get, HttpCode, HttpStatus, Param, Post, Res } from '@nestjs/common';
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
import { NAME_CHARS_MAX, NamePipe } from '../../common/name.js';
import { problems } from '../../common/problems.js';
import { JsonText } from '../../common/json-text.js';
import { Lenient } from '../../common/strict-input.guard.js';
import { TakesBody } from '../../common/takes-body.js';
import { Idempotency, Idempotent, type IdempotentRequest } from '../../database/idempotency.js';
import { Answers } from '../answer/answers.service.js';
import { serverSent } from '../answer/server-sent-answer.js';
import { ClientChatsService } from '../client-chat/client-chats.service.js';
import { AiSdkService } from './aisdk.service.js';
import { UI_CHAT_FIELDS, UiChatDto, UiChatStateDto, UiStoppedDto } from './aisdk.dto.js';
import { OwnFields } from '../../common/own-fields.js';
import { PairsService } from './pairs.service.js';
import { UI_STREAM_HEADERS, type UiAnswer, uiMessageStream } from './ui-message-stream.js';

const ApiClientChatId = () =>
  ApiParam({
    name: 'id',
    schema: { type: 'string', minLength: 1, maxLength: NAME_CHARS_MAX },
    example: 'trip-to-the-north',
    description: 'As `useChat` sends it: a `chat_id`, or an id that the client made up.',
  });

/**
 * The wire of the AI SDK (`useChat` with its `DefaultChatTransport`, majors 5 to 7), over ordinary
 * chats.
 */
@ApiTags('AI SDK')
@Lenient()
@Controller('api/chat')
export class AiSdkController {
  constructor(
    private readonly sdk: AiSdkService,
    private readonly clientChats: ClientChatsService,
    private readonly pairs: PairsService,
    private readonly answers: Answers,
    private readonly idempotency: Idempotency,
  ) {}

  @Post()
  @TakesBody(CHAT_BOUNDS)
  @HttpCode(HttpStatus.OK)
  @ApiOperation({
    operationId: 'streamUiMessage',
    summary: 'Ask the model, as `useChat` does',
    description:
      'Answers a UI message stream (version 1). An id that nobody used before makes a chat. A message that does not follow the newest answer makes a branch, as an edited message does; `regenerate-message` makes a sibling. Closing the stream does not end the answer.',
  })
  @ApiOkResponse({
    description: 'The stream.',
    content: { 'text/event-stream': { schema: { type: 'string' } } },
  })
  @ApiProblems(
    problems.chatNotFound,
    problems.messageNotFound,
    problems.fileNotFound,
    problems.filesFull,
    problems.tooManyAnswers,
    problems.tokensSpent,
    problems.contentUnavailable,
  )
  async send(
    @CurrentAccount() accountId: string,
    @Idempotent() idempotent: IdempotentRequest | null,
    @Body() body: UiChatDto,
    @OwnFields(UI_CHAT_FIELDS) own: Record<string, unknown>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Readable> {
    const answer = await this.sdk.answer(accountId, { ...body, own }, idempotent);
    return this.streamed(accountId, reply, answer);
  }

  @Get(':id')
  @JsonText()
  @ApiOperation({
    operationId: 'getUiChat',
    summary: 'The messages of the active branch, to begin `useChat` with',
  })
  @ApiClientChatId()
  @ApiOkResponse({ type: UiChatStateDto })
  @ApiProblems(problems.chatNotFound, problems.contentUnavailable)
  async read(
    @CurrentAccount() accountId: string,
    @Param('id', NamePipe) id: string,
  ): Promise<string> {
    const chatId = await this.clientChats.find(accountId, id);
    return exactJson({
      id,
      ...(await this.pairs.stateOf(accountId, chatId)),
    } satisfies UiChatStateDto);
  }

  @Get(':id/stream')
  @ApiOperation({
    operationId: 'resumeUiMessage',
    summary: 'Go on with the answer that is being written',
    description: 'All of it from its beginning, and what follows. 204 when none is being written.',
  })
  @ApiClientChatId()
  @ApiOkResponse({
    description: 'The stream.',
    content: { 'text/event-stream': { schema: { type: 'string' } } },
  })
  @ApiNoContentResponse({ description: 'No answer is being written.' })
  @ApiProblems(problems.chatNotFound, problems.contentUnavailable)
  async resume(
    @CurrentAccount() accountId: string,
    @Param('id', NamePipe) id: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Readable | undefined> {
    const answer = await this.sdk.running(accountId, id);
    if (answer) return this.streamed(accountId, reply, answer);
    reply.status(HttpStatus.NO_CONTENT);
    return undefined;
  }

  @Post(':id/stop')
  @HttpCode(HttpStatus.OK)
  @JsonText()
  @ApiOperation({
    operationId: 'stopUiMessage',
    summary: 'End the answer that is being written',
    description:
      'What is there of it is kept. `stop()` of `useChat` only closes the stream; call this to end the answer.',
  })
  @ApiClientChatId()
  @ApiOkResponse({ type: UiStoppedDto })
  @ApiIdempotent()
  @ApiProblems(problems.chatNotFound, problems.contentUnavailable)
  stop(
    @CurrentAccount() accountId: string,
    @Idempotent() idempotent: IdempotentRequest | null,
    @Param('id', NamePipe) id: string,
  ): Promise<string> {
    return this.idempotency.remember(accountId, idempotent, async () => {
      const answer = await this.answers.runningInTree(
        accountId,
        await this.clientChats.find(accountId, id),
      );
      await answer?.stop();
      return JSON.stringify({ stopped: answer?.responseId ?? null } satisfies UiStoppedDto);
    });
  }

  private streamed(accountId: string, reply: FastifyReply, answer: UiAnswer): Readable {
    reply.headers(UI_STREAM_HEADERS);
    return serverSent(uiMessageStream(answer, this.pairs.around(accountId)));
  }
}
