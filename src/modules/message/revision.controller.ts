import type { Readable } from 'node:stream';
import { Body, Controller, Param, Post, Res } from '@nestjs/common';
import { ApiCreatedResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { ApiContentState, ApiIdempotent } from '../../common/api-headers.js';
import { ApiProblems } from '../../common/api-problems.js';
import { CurrentAccount } from '../../common/current-account.js';
import { JsonText } from '../../common/json-text.js';
import { problems } from '../../common/problems.js';
import { UuidPipe } from '../../common/validation.pipe.js';
import { Idempotent, type IdempotentRequest } from '../../database/idempotency.js';
import { QaPairDto } from '../chat/pair.dto.js';
import { EditMessageDto, RegenerateMessageDto } from './message.dto.js';
import { sendEvents, sendPair } from './replies.js';
import { RevisionService } from './revision.service.js';

/** What a route that asks a model may answer besides. */
const ANSWERED = [
  problems.chatNotFound,
  problems.messageNotFound,
  problems.tooManyAnswers,
  problems.tokensSpent,
  problems.contentUnavailable,
];

/** What is said anew. History is never rewritten: both routes make a sibling branch, which becomes the active one. */
@ApiTags('messages')
@Controller('chats/:chat_id/messages/:response_id')
export class RevisionController {
  constructor(private readonly revisions: RevisionService) {}

  @Post('edit')
  @JsonText()
  @ApiOperation({ operationId: 'editMessage', summary: 'Ask another question in the place of this one, on a sibling branch' })
  @ApiCreatedResponse({ type: QaPairDto })
  @ApiIdempotent()
  @ApiContentState()
  @ApiProblems(...ANSWERED)
  async edit(
    @CurrentAccount() accountId: string,
    @Idempotent() idempotent: IdempotentRequest | null,
    @Param('chat_id', UuidPipe) chatId: string,
    @Param('response_id', UuidPipe) responseId: string,
    @Body() { response, stream, ...said }: EditMessageDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string | Readable> {
    const revision = { accountId, chatId, responseId, idempotent, response };
    return stream
      ? sendEvents(reply, await this.revisions.reviseStreamed(revision, said))
      : sendPair(reply, await this.revisions.revise(revision, said));
  }

  @Post('regenerate')
  @JsonText()
  @ApiOperation({ operationId: 'regenerateMessage', summary: 'Get another response to this question, on a sibling branch' })
  @ApiCreatedResponse({ type: QaPairDto })
  @ApiIdempotent()
  @ApiContentState()
  @ApiProblems(...ANSWERED)
  async regenerate(
    @CurrentAccount() accountId: string,
    @Idempotent() idempotent: IdempotentRequest | null,
    @Param('chat_id', UuidPipe) chatId: string,
    @Param('response_id', UuidPipe) responseId: string,
    @Body() { response, stream }: RegenerateMessageDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string | Readable> {
    const revision = { accountId, chatId, responseId, idempotent, response };
    return stream
      ? sendEvents(reply, await this.revisions.reviseStreamed(revision))
      : sendPair(reply, await this.revisions.revise(revision));
  }
}
