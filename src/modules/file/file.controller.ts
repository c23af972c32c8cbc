import type { Readable } from 'node:stream';
import {
  Controller,
  Delete,
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
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiResponse,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ApiIdempotent, ApiLinked, ApiRevalidated } from '../../common/api-headers.js';
import { ApiProblems } from '../../common/api-problems.js';
import { CurrentAccount } from '../../common/current-account.js';
import { linkPage } from '../../common/cursor.js';
import { JsonText } from '../../common/json-text.js';
import { PageQuery } from '../../common/page.dto.js';
import { problems } from '../../common/problems.js';
import { UuidPipe } from '../../common/validation.pipe.js';
import { Idempotent, type IdempotentRequest } from '../../database/idempotency.js';
import { Downloads } from './downloads.service.js';
import { BYTES, FileDto, FilePageDto, FORM_FILE, toFileDto } from './file.dto.js';
import { Files } from './files.service.js';
import { type UploadKind, Uploads } from './uploads.service.js';

const UPLOAD: UploadKind = { form: {}, answerOf: toFileDto };
const FILE_ID = { name: 'file_id', format: 'uuid' } as const;

@ApiTags('files')
@Controller('files')
export class FileController {
  constructor(
    private readonly files: Files,
    private readonly uploads: Uploads,
    private readonly downloads: Downloads,
  ) {}

  @Post()
  @RouteConfig({ takesForm: true })
  @JsonText()
  @ApiOperation({
    operationId: 'createFile',
    summary: 'Keep a file, to be named by parts of pairs',
    description:
      'A form with one `file`. Its `media_type` is what the bytes are. The same bytes twice are two files, and kept once.',
  })
  @ApiConsumes('multipart/form-data')
  @ApiBody({
    required: true,
    schema: { type: 'object', required: ['file'], properties: { file: FORM_FILE } },
  })
  @ApiCreatedResponse({ type: FileDto })
  @ApiIdempotent()
  @ApiProblems(problems.invalidRequest, problems.filesFull)
  create(
    @CurrentAccount() accountId: string,
    @Idempotent() key: IdempotentRequest | null,
    @Req() request: FastifyRequest,
  ): Promise<string> {
    return this.uploads.take(accountId, key, request, UPLOAD);
  }

  @Get()
  @ApiOperation({ operationId: 'listFiles', summary: 'The files of the account, newest first' })
  @ApiOkResponse({ type: FilePageDto })
  @ApiLinked()
  async list(
    @CurrentAccount() accountId: string,
    @Query() query: PageQuery,
    @Req() { url }: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<FilePageDto> {
    const { items, nextCursor } = await this.files.list(accountId, query);
    linkPage(reply, url, { next: ['cursor', nextCursor] });
    return { items: items.map(toFileDto), next_cursor: nextCursor };
  }

  @Get(':file_id')
  @ApiOperation({ operationId: 'getFile', summary: 'One file' })
  @ApiParam(FILE_ID)
  @ApiOkResponse({ type: FileDto })
  @ApiProblems(problems.fileNotFound)
  async get(
    @CurrentAccount() accountId: string,
    @Param('file_id', UuidPipe) fileId: string,
  ): Promise<FileDto> {
    return toFileDto(await this.files.find(accountId, fileId));
  }

  @Get(':file_id/content')
  @ApiOperation({
    operationId: 'getFileContent',
    summary: 'The bytes of a file, or a range of them',
    description:
      'Pictures, sounds, videos and PDF are shown by browsers, all else is a download. `Range` asks for one range of bytes.',
  })
  @ApiParam(FILE_ID)
  @ApiOkResponse({ description: 'With the `media_type` of the file.', content: BYTES })
  @ApiResponse({ status: 206, description: 'The bytes that `Range` asks for.', content: BYTES })
  @ApiRevalidated()
  @ApiProblems(problems.fileNotFound, problems.rangeNotSatisfiable, problems.contentUnavailable)
  content(
    @CurrentAccount() accountId: string,
    @Param('file_id', UuidPipe) fileId: string,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Readable | undefined> {
    return this.downloads.answer(accountId, fileId, request, reply);
  }

  @Delete(':file_id')
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiOperation({ operationId: 'deleteFile', summary: 'Delete a file that no pair names' })
  @ApiParam(FILE_ID)
  @ApiNoContentResponse()
  @ApiProblems(problems.fileNotFound, problems.fileInUse)
  remove(
    @CurrentAccount() accountId: string,
    @Param('file_id', UuidPipe) fileId: string,
  ): Promise<void> {
    return this.files.remove(accountId, fileId);
  }
}
