import { Controller, Get, Param } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiProblems } from '../../common/api-problems.js';
import { CurrentAccount } from '../../common/current-account.js';
import { problems } from '../../common/problems.js';
import { UuidPipe } from '../../common/validation.pipe.js';
import { AccountUsageDto, ChatUsageDto } from './usage.dto.js';
import { UsageService } from './usage.service.js';

/** What answers of models took. That of one answer is in its pair. */
@ApiTags('usage')
@Controller()
export class UsageController {
  constructor(private readonly usage: UsageService) {}

  @Get('chats/:chat_id/usage')
  @ApiOperation({
    operationId: 'getChatUsage',
    summary: 'Tokens of a chat, of its path and of its conversation',
  })
  @ApiOkResponse({ type: ChatUsageDto })
  @ApiProblems(problems.chatNotFound)
  ofChat(
    @CurrentAccount() accountId: string,
    @Param('chat_id', UuidPipe) chatId: string,
  ): Promise<ChatUsageDto> {
    return this.usage.ofChat(accountId, chatId);
  }

  @Get('usage')
  @ApiOperation({
    operationId: 'getUsage',
    summary: 'Tokens of the account, of this day and of all time',
  })
  @ApiOkResponse({ type: AccountUsageDto })
  ofAccount(@CurrentAccount() accountId: string): Promise<AccountUsageDto> {
    return this.usage.ofAccount(accountId);
  }
}
