import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  HttpStatus,
  Param,
  Post,
  Query,
  Res,
} from '@nestjs/common';
import {
  ApiExtraModels,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiTags,
  getSchemaPath,
} from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { ApiIdempotent } from '../../common/api-headers.js';
import { ApiProblems } from '../../common/api-problems.js';
import { CurrentAccount } from '../../common/current-account.js';
import { CHAT_BOUNDS } from '../../common/json-body.js';
import { problems } from '../../common/problems.js';
import { Lenient } from '../../common/strict-input.guard.js';
import { TakesBody } from '../../common/takes-body.js';
import { Idempotent, type IdempotentRequest } from '../../database/idempotency.js';
import { ItemListDto, ListItemsQuery } from './conversation.dto.js';
import { ConversationItems } from './conversation-items.service.js';
import { DirectResponses } from './direct-responses.service.js';
import { RESPONSE_FIELDS } from './field-fates.js';
import { furtherFields } from './further-fields.js';
import { KeptResponses } from './kept-responses.service.js';
import { NAME_PATTERNS, responseParam } from './openai-ids.js';
import { goneSignal, sendEventStream } from './replies.js';
import { CreateResponseDto, RetrieveResponseQuery } from './create-response.dto.js';
import { DeletedResponseDto, ResponseDto } from './response.dto.js';
import { sentEvents } from './response-events.js';
import {
  CompactionDto,
  CompactResponseDto,
  CountInputTokensDto,
  InputTokensDto,
} from './response-help.dto.js';
import { ResponseHelp } from './response-help.service.js';
import { ResponsesService } from './responses.service.js';

const RESPONSE_OR_EVENTS = {
  description: 'The response.',
  content: {
    'application/json': { schema: { $ref: getSchemaPath(ResponseDto) } },
    'text/event-stream': { schema: { type: 'string' } },
  },
};

/** What a request names, and is not there. */
const NAMED = [
  ...[problems.chatNotFound, problems.messageNotFound, problems.previousResponseNotFound],
  problems.modelNotFound,
];
/** Why no model answers. */
const ASKING = [
  ...[problems.contextTooLong, problems.tooManyAnswers, problems.tokensSpent],
  ...[problems.modelRateLimited, problems.modelFailed, problems.modelUnavailable],
  problems.modelTimeout,
];

/** A path parameter that is no plain id. */
const RESPONSE_ID = {
  name: 'response_id',
  schema: { type: 'string', pattern: NAME_PATTERNS.response },
  description: '`resp_<response_id>`.',
  example: 'resp_019aa1b3-0d4e-7a6b-9c8d-2e3f4a5b6c7d',
} as const;

/** Pairs as OpenAI's responses. */
@ApiTags('openai')
@Lenient()
@Controller('v1/responses')
export class ResponsesController {
  constructor(
    private readonly responses: ResponsesService,
    private readonly direct: DirectResponses,
    private readonly kept: KeptResponses,
    private readonly items: ConversationItems,
    private readonly help: ResponseHelp,
  ) {}

  @Post()
  @TakesBody(CHAT_BOUNDS)
  @HttpCode(HttpStatus.OK)
  @ApiOperation({
    operationId: 'createResponse',
    summary: 'Ask a model, in a new chat or behind what was said before',
    description:
      'The question and its answer are a pair of a chat. With `stream: true` the answer is server-sent events; it goes on when the client leaves, and is resumed by a read with `starting_after`. A model that fails before its first word is an error, and `X-Response-Id` names the response with the question, which is kept. The same address is a WebSocket: frames like `{"type": "response.create", …}` ask, and the events of a stream answer.',
  })
  @ApiExtraModels(ResponseDto)
  @ApiOkResponse(RESPONSE_OR_EVENTS)
  @ApiIdempotent()
  @ApiProblems(...NAMED, ...ASKING, problems.generationInProgress, problems.contentUnavailable)
  async create(
    @CurrentAccount() accountId: string,
    @Idempotent() key: IdempotentRequest | null,
    @Body() dto: CreateResponseDto,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const body = { ...dto, more: furtherFields(reply.request.body, RESPONSE_FIELDS) };
    if (body.store === false) return this.createDirect(accountId, body, reply);
    if (!body.stream) return void reply.send(await this.responses.create(accountId, body, key));
    const events = await this.responses.createStreamed(accountId, body, key);
    sendEventStream(reply, sentEvents(events));
  }

  @Post('input_tokens')
  @TakesBody(CHAT_BOUNDS)
  @HttpCode(HttpStatus.OK)
  @ApiOperation({
    operationId: 'countInputTokens',
    summary: 'How many tokens a response would read',
    description: 'Counted here, and not by the provider. Nothing is stored, and no model is asked.',
  })
  @ApiOkResponse({ type: InputTokensDto })
  @ApiProblems(...NAMED, problems.contentUnavailable)
  inputTokens(
    @CurrentAccount() accountId: string,
    @Body() body: CountInputTokensDto,
  ): Promise<InputTokensDto> {
    return this.help.count(accountId, body);
  }

  @Post('compact')
  @TakesBody(CHAT_BOUNDS)
  @HttpCode(HttpStatus.OK)
  @ApiOperation({
    operationId: 'compactResponse',
    summary: 'Make a conversation short',
    description:
      'A model makes a summary, which comes as an item that only this server reads. `output` is the `input` of a conversation that begins with it. Nothing is stored.',
  })
  @ApiOkResponse({ type: CompactionDto })
  @ApiProblems(...NAMED, ...ASKING, problems.contentUnavailable)
  async compact(
    @CurrentAccount() accountId: string,
    @Body() body: CompactResponseDto,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    void reply.send(await this.help.compact(accountId, body, goneSignal(reply)));
  }

  @Get(':response_id')
  @ApiParam(RESPONSE_ID)
  @ApiOperation({
    operationId: 'getResponse',
    summary: 'A response, whole or as a stream',
    description:
      'With `stream=true` its events, those behind `starting_after`, as they were or are sent by any instance.',
  })
  @ApiOkResponse(RESPONSE_OR_EVENTS)
  @ApiProblems(problems.messageNotFound, problems.contentUnavailable)
  async get(
    @CurrentAccount() accountId: string,
    @Param('response_id') id: string,
    @Query() { stream, starting_after: after }: RetrieveResponseQuery,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const responseId = responseParam(id);
    if (stream) return sendEventStream(reply, await this.kept.follow(accountId, responseId, after));
    void reply.send(await this.kept.get(accountId, responseId));
  }

  @Delete(':response_id')
  @ApiParam(RESPONSE_ID)
  @ApiOperation({
    operationId: 'deleteResponse',
    summary: 'Erase what was asked and answered, for good',
    description:
      'In every branch that sees the pair, which keeps its place, and from everywhere else where its words are: `DELETE /api/v1/chats/{chat_id}/messages/{response_id}`.',
  })
  @ApiOkResponse({ type: DeletedResponseDto })
  @ApiProblems(problems.messageNotFound, problems.contentUnavailable)
  remove(
    @CurrentAccount() accountId: string,
    @Param('response_id') id: string,
  ): Promise<DeletedResponseDto> {
    return this.kept.remove(accountId, responseParam(id));
  }

  @Post(':response_id/cancel')
  @ApiParam(RESPONSE_ID)
  @HttpCode(HttpStatus.OK)
  @ApiOperation({
    operationId: 'cancelResponse',
    summary: 'End an answer that is being written',
    description: 'What is there of it is kept. A finished one stays as it is.',
  })
  @ApiOkResponse({ type: ResponseDto })
  @ApiIdempotent()
  @ApiProblems(problems.messageNotFound, problems.contentUnavailable)
  async cancel(
    @CurrentAccount() accountId: string,
    @Idempotent() key: IdempotentRequest | null,
    @Param('response_id') id: string,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    void reply
      .header('content-type', 'application/json; charset=utf-8')
      .send(await this.kept.cancel(accountId, responseParam(id), key));
  }

  @Get(':response_id/input_items')
  @ApiParam(RESPONSE_ID)
  @ApiOperation({
    operationId: 'listInputItems',
    summary: 'What the model was given: the path up to the question, the newest first',
  })
  @ApiOkResponse({ type: ItemListDto })
  @ApiProblems(problems.messageNotFound, problems.contentUnavailable)
  input(
    @CurrentAccount() accountId: string,
    @Param('response_id') id: string,
    @Query() query: ListItemsQuery,
  ): Promise<ItemListDto> {
    return this.items.inputOf(accountId, responseParam(id), query);
  }

  private async createDirect(
    accountId: string,
    body: CreateResponseDto,
    reply: FastifyReply,
  ): Promise<void> {
    const signal = goneSignal(reply);
    if (!body.stream) return void reply.send(await this.direct.create(accountId, body, signal));
    const begun = await this.direct.begin(accountId, body, signal);
    sendEventStream(reply, sentEvents(this.direct.events(begun)));
  }
}
