import { Controller, Get, Param } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { type StatedJson, Validated } from '../../cache/validated.js';
import { ApiRevalidated } from '../../common/api-headers.js';
import { ApiProblems } from '../../common/api-problems.js';
import { CurrentAccount } from '../../common/current-account.js';
import { JsonText } from '../../common/json-text.js';
import { problems } from '../../common/problems.js';
import { UuidPipe } from '../../common/validation.pipe.js';
import { SummaryDto } from './summary.dto.js';
import { SummaryService } from './summary.service.js';

@ApiTags('chats')
@Controller('chats/:chat_id/summary')
export class SummaryController {
  constructor(private readonly summaries: SummaryService) {}

  @Get()
  @JsonText()
  @Validated('chat', { stated: true })
  @ApiOperation({
    operationId: 'getSummary',
    summary: 'How much was said in a chat, and what mattered',
    description:
      'Of the whole path, with what is inherited. Highlights are quotes, literally from the pairs that they name, chosen from the first 20 and the last 80 pairs. The first summary of a long chat reads it all; later ones only what is new.',
  })
  @ApiOkResponse({ type: SummaryDto })
  @ApiRevalidated()
  @ApiProblems(problems.chatNotFound, problems.contentUnavailable)
  get(
    @CurrentAccount() accountId: string,
    @Param('chat_id', UuidPipe) chatId: string,
  ): Promise<StatedJson> {
    return this.summaries.read(accountId, chatId);
  }
}
