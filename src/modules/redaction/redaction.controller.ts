import { Controller, Delete, HttpCode, HttpStatus, Param } from '@nestjs/common';
import { ApiNoContentResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiGuarded } from '../../common/api-headers.js';
import { ApiProblems } from '../../common/api-problems.js';
import { CurrentAccount } from '../../common/current-account.js';
import { type IfMatch, ReadIfMatch } from '../../common/etag.js';
import { problems } from '../../common/problems.js';
import { UuidPipe } from '../../common/validation.pipe.js';
import { RedactionService } from './redaction.service.js';

@ApiTags('messages')
@Controller('chats/:chat_id/messages/:response_id')
export class RedactionController {
  constructor(private readonly redactions: RedactionService) {}

  @Delete()
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiOperation({
    operationId: 'redactMessage',
    summary: 'Erase the words of a pair, for good',
    description:
      'Both sides, metadata, author and error, in every branch that sees the pair, and all copies of them. The pair keeps its place, time, model and usage, with `status: redacted`. It cannot be undone. An answer that is being written is ended first.',
  })
  @ApiNoContentResponse()
  @ApiGuarded()
  @ApiProblems(
    problems.chatNotFound,
    problems.messageNotFound,
    problems.generationInProgress,
    problems.storeUnavailable,
  )
  redact(
    @CurrentAccount() accountId: string,
    @Param('chat_id', UuidPipe) chatId: string,
    @Param('response_id', UuidPipe) responseId: string,
    @ReadIfMatch() ifMatch: IfMatch,
  ): Promise<void> {
    return this.redactions.redact(accountId, chatId, responseId, ifMatch);
  }
}
