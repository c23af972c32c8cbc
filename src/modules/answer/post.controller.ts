import type { Readable } from 'node:stream';
import { applyDecorators, Body, Controller, Param, Post, Query, Res } from '@nestjs/common';
import {
  ApiCreatedResponse,
  ApiExtraModels,
  ApiOperation,
  ApiTags,
  getSchemaPath,
} from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { ApiContentState, ApiIdempotent } from '../../common/api-headers.js';
import { ApiProblems } from '../../common/api-problems.js';
import { CurrentAccount } from '../../common/current-account.js';
import { PAIR_BOUNDS } from '../../common/json-body.js';
import { JsonText } from '../../common/json-text.js';
import { problems } from '../../common/problems.js';
import { ShortWay } from '../../common/short-way.js';
import { TakesBody } from '../../common/takes-body.js';
import { UuidPipe } from '../../common/validation.pipe.js';
import { Idempotent, type IdempotentRequest } from '../../database/idempotency.js';
import { QaPairDto } from '../chat/pair.dto.js';
import {
  AddMessageByBodyDto,
  AddMessageDto,
  AddMessageQuery,
  StoredPairsDto,
} from '../message/message.dto.js';
import { LoneAnswers } from '../completion/lone-answers.service.js';
import type { Answer } from './answer.js';
import { type Post as ChatPost, PostService } from './post.service.js';
import { send } from './server-sent-answer.js';

const MAY_BE_REFUSED = [
  problems.chatNotFound,
  problems.messageNotFound,
  problems.branchHeadMoved,
  problems.generationInProgress,
  problems.tooManyAnswers,
  problems.tokensSpent,
  problems.contentUnavailable,
];

/** The pair, or all of `pairs`. */
const ApiStored = (): MethodDecorator =>
  applyDecorators(
    ApiExtraModels(QaPairDto, StoredPairsDto),
    ApiCreatedResponse({
      schema: { anyOf: [QaPairDto, StoredPairsDto].map((dto) => ({ $ref: getSchemaPath(dto) })) },
    }),
  );

/** What an assistant says alone answers the last question; all else is appended. */
async function answerTo(post: ChatPost, lone: LoneAnswers, posts: PostService): Promise<Answer> {
  const taken = lone.take(post);
  return (taken && (await taken)) ?? (await posts.post(post));
}

/** What is said in a chat. */
@ApiTags('messages')
@Controller('chats/:chat_id/messages')
export class PostController {
  constructor(
    private readonly posts: PostService,
    private readonly lone: LoneAnswers,
  ) {}

  @Post()
  @ShortWay()
  @TakesBody(PAIR_BOUNDS)
  @JsonText()
  @ApiOperation({
    operationId: 'addMessage',
    summary: 'Add a question with its response, or have the model answer',
    description:
      'With a `response` it is stored as it is; without one the model answers, with the path of this branch as its context; with `null` the question waits without an answer. A response whose `question` is null answers the last pair, where that waits for one and no branch has it. Both sides may be given as parts: files, results and calls of tools, reasoning and what else they are made of. With `pairs` up to 100 whole pairs are stored in one step, all or none. With `stream: true` the answer comes as server-sent events: `message.accepted` with all ids, `message.delta` `{response_id, n, delta}`, and last `message.completed` or `message.failed` with the pair. Closing the connection never ends the answer.',
  })
  @ApiStored()
  @ApiIdempotent()
  @ApiContentState()
  @ApiProblems(...MAY_BE_REFUSED)
  async add(
    @CurrentAccount() accountId: string,
    @Idempotent() key: IdempotentRequest | null,
    @Param('chat_id', UuidPipe) chatId: string,
    @Query() { branch }: AddMessageQuery,
    @Body() body: AddMessageDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string | Readable> {
    const post = { accountId, chatId, toActive: branch === 'active', key, body };
    return send(reply, answerTo(post, this.lone, this.posts), body.stream);
  }
}

/** The verb route of the seed: another door to the same service. */
@ApiTags('verb routes')
@Controller('messages')
export class PostVerbsController {
  constructor(
    private readonly posts: PostService,
    private readonly lone: LoneAnswers,
  ) {}

  @Post('add-message')
  @TakesBody(PAIR_BOUNDS)
  @JsonText()
  @ApiOperation({
    operationId: 'addMessageVerb',
    summary: 'Add a question with its response, or have the model answer',
  })
  @ApiStored()
  @ApiIdempotent()
  @ApiContentState()
  @ApiProblems(...MAY_BE_REFUSED)
  async add(
    @CurrentAccount() accountId: string,
    @Idempotent() key: IdempotentRequest | null,
    @Query() { branch }: AddMessageQuery,
    @Body() { chat_id: chatId, ...body }: AddMessageByBodyDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string | Readable> {
    const post = { accountId, chatId, toActive: branch === 'active', key, body };
    return send(reply, answerTo(post, this.lone, this.posts), body.stream);
  }
}
