import { Body, Controller, Param, Post } from '@nestjs/common';
import { ApiCreatedResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiIdempotent } from '../../common/api-headers.js';
import { ApiProblems } from '../../common/api-problems.js';
import { CurrentAccount } from '../../common/current-account.js';
import { JsonText } from '../../common/json-text.js';
import { problems } from '../../common/problems.js';
import { UuidPipe } from '../../common/validation.pipe.js';
import { Idempotent, type IdempotentRequest } from '../../database/idempotency.js';
import { MergeDto, MergedDto } from './merge.dto.js';
import { MergeService } from './merge.service.js';

@ApiTags('branches')
@Controller('chats/:chat_id/merge')
export class MergeController {
  constructor(private readonly merges: MergeService) {}

  @Post()
  @JsonText()
  @ApiOperation({
    operationId: 'mergeBranch',
    summary: 'Bring what another branch found to the end of this one',
    description:
      'As one pair that sums it up (by the model, or in your own `text`), or as the pairs themselves. Nothing is rewritten; what was brought before is answered as it is, and not brought again. Each new pair says in `metadata.merged_from` where it comes from; what is redacted there is redacted here too, but for your own text.',
  })
  @ApiCreatedResponse({ type: MergedDto })
  @ApiIdempotent()
  @ApiProblems(
    problems.chatNotFound,
    problems.messageNotFound,
    problems.nothingToMerge,
    problems.generationInProgress,
    problems.tooManyAnswers,
    problems.tokensSpent,
    problems.modelFailed,
    problems.contentUnavailable,
  )
  merge(
    @CurrentAccount() accountId: string,
    @Idempotent() key: IdempotentRequest | null,
    @Param('chat_id', UuidPipe) chatId: string,
    @Body() body: MergeDto,
  ): Promise<string> {
    return this.merges.merge({ accountId, chatId, key, body });
  }
}
