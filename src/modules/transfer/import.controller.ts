import {
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
import { RouteConfig } from '@nestjs/platform-fastify';
import {
  ApiBody,
  ApiConsumes,
  ApiCreatedResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ApiIdempotent, ApiLinked } from '../../common/api-headers.js';
import { ApiProblems } from '../../common/api-problems.js';
import { CurrentAccount } from '../../common/current-account.js';
import { linkPage } from '../../common/cursor.js';
import { JsonText } from '../../common/json-text.js';
import { PageQuery } from '../../common/page.dto.js';
import { problems } from '../../common/problems.js';
import { UuidPipe } from '../../common/validation.pipe.js';
import { Idempotent, type IdempotentRequest } from '../../database/idempotency.js';
import { CreateImportQuery, ImportDto, ImportPageDto, toImportDto } from './import.dto.js';
import { Imports } from './imports.service.js';
import { uploadOf } from './upload.js';

const FILE = { type: 'string', format: 'binary' } as const;

@ApiTags('transfer')
@Controller('imports')
export class ImportController {
  constructor(private readonly imports: Imports) {}

  @Post()
  // Its body may take as long as that of a form.
  @RouteConfig({ takesUpload: true, takesForm: true })
  @JsonText()
  @ApiOperation({
    operationId: 'createImport',
    summary: 'Bring conversations of other programs in',
    description:
      'The file is the body, or the first file of a multipart body, of up to 512 MiB: the export of ChatGPT (also in pieces), Claude, LibreChat, Open WebUI or Banyan, as JSON or zip; what it is is told by what is in it. It is kept before this answers, and brought in after that: see `GET /imports/{import_id}`. A conversation comes in whole or not at all, the same one once; of a newer export of it comes what is new.',
  })
  @ApiConsumes(
    'application/octet-stream',
    'application/json',
    'application/zip',
    'multipart/form-data',
  )
  @ApiBody({ schema: FILE })
  @ApiCreatedResponse({ type: ImportDto })
  @ApiIdempotent()
  @ApiProblems(problems.importEmpty, problems.tooManyImports, problems.invalidRequest)
  async create(
    @CurrentAccount() accountId: string,
    @Idempotent() key: IdempotentRequest | null,
    @Query() { name }: CreateImportQuery,
    @Req() request: FastifyRequest,
  ): Promise<string> {
    return this.imports.receive(accountId, key, await uploadOf(request, name));
  }

  @Get()
  @ApiOperation({ operationId: 'listImports', summary: 'The imports of the account, newest first' })
  @ApiOkResponse({ type: ImportPageDto })
  @ApiLinked()
  async list(
    @CurrentAccount() accountId: string,
    @Query() query: PageQuery,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ImportPageDto> {
    const { items, nextCursor } = await this.imports.list(accountId, query);
    linkPage(reply, request.url, { next: ['cursor', nextCursor] });
    return { items: items.map(toImportDto), next_cursor: nextCursor };
  }

  @Get(':import_id')
  @ApiOperation({
    operationId: 'getImport',
    summary: 'How far an import is, and what became of its conversations',
  })
  @ApiParam({ name: 'import_id', format: 'uuid' })
  @ApiOkResponse({ type: ImportDto })
  @ApiProblems(problems.importNotFound)
  async get(
    @CurrentAccount() accountId: string,
    @Param('import_id', UuidPipe) importId: string,
  ): Promise<ImportDto> {
    return toImportDto(await this.imports.get(accountId, importId));
  }

  @Post(':import_id/cancel')
  @HttpCode(HttpStatus.OK)
  @JsonText()
  @ApiIdempotent()
  @ApiOperation({
    operationId: 'cancelImport',
    summary: 'End an import; what came in stays',
    description: 'The conversation at work is undone. An import that has ended stays as it is.',
  })
  @ApiParam({ name: 'import_id', format: 'uuid' })
  @ApiOkResponse({ type: ImportDto })
  @ApiProblems(problems.importNotFound)
  cancel(
    @CurrentAccount() accountId: string,
    @Idempotent() key: IdempotentRequest | null,
    @Param('import_id', UuidPipe) importId: string,
  ): Promise<string> {
    return this.imports.cancel(accountId, key, importId);
  }
}
