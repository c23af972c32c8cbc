import { Controller, Get, Param, Query, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiParam, ApiProduces, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { ApiProblems } from '../../common/api-problems.js';
import { CurrentAccount } from '../../common/current-account.js';
import { problems } from '../../common/problems.js';
import { UuidPipe } from '../../common/validation.pipe.js';
import { ExportChatQuery, ExportQuery } from './export.dto.js';
import { type ExportFile, Exports } from './export.service.js';

/** Lines of JSON, JSON or Markdown, as it was asked. */
const TEXT = { schema: {} } as const;
const TYPES = ['application/x-ndjson', 'application/json', 'text/markdown'] as const;

@ApiTags('transfer')
@Controller()
export class ExportController {
  constructor(private readonly exports: Exports) {}

  @Get('chats/:chat_id/export')
  @ApiOperation({
    operationId: 'exportChat',
    summary: 'A chat or its conversation as a file',
    description:
      'The file is sent as it is read: one that breaks off was not read to its end. `banyan` comes back by `POST /imports` as it was, but for its ids.',
  })
  @ApiParam({ name: 'chat_id', format: 'uuid' })
  @ApiProduces(...TYPES)
  @ApiOkResponse(TEXT)
  @ApiProblems(problems.chatNotFound)
  async ofChat(
    @CurrentAccount() accountId: string,
    @Param('chat_id', UuidPipe) chatId: string,
    @Query() { format, scope }: ExportChatQuery,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    send(reply, await this.exports.ofChat(accountId, chatId, format, scope));
  }

  @Get('export')
  @ApiOperation({
    operationId: 'exportAccount',
    summary: 'All conversations of the account as a file, oldest first',
    description: 'Temporary ones are left out. See `GET /chats/{chat_id}/export`.',
  })
  @ApiProduces(...TYPES)
  @ApiOkResponse(TEXT)
  ofAccount(
    @CurrentAccount() accountId: string,
    @Query() { format }: ExportQuery,
    @Res() reply: FastifyReply,
  ): void {
    send(reply, this.exports.ofAccount(accountId, format));
  }
}

function send(reply: FastifyReply, { mediaType, fileName, bytes }: ExportFile): void {
  // Read on by whoever reads, long after it was asked for.
  reply.request.deadline?.lift();
  void reply
    .header('content-type', `${mediaType}; charset=utf-8`)
    .header('content-disposition', `attachment; filename="${fileName}"`)
    .send(bytes);
}
