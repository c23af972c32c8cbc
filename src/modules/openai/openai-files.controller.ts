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
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiResponse,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ApiIdempotent, ApiRevalidated } from '../../common/api-headers.js';
import { ApiProblems } from '../../common/api-problems.js';
import { CurrentAccount } from '../../common/current-account.js';
import { JsonText } from '../../common/json-text.js';
import { invalidField, problems } from '../../common/problems.js';
import { Lenient } from '../../common/strict-input.guard.js';
import { Idempotent, type IdempotentRequest } from '../../database/idempotency.js';
import { Downloads } from '../file/downloads.service.js';
import { BYTES, FORM_FILE } from '../file/file.dto.js';
import { Files } from '../file/files.service.js';
import { type UploadKind, Uploads } from '../file/uploads.service.js';
import {
  DeletedOpenAiFileDto,
  ListOpenAiFilesQuery,
  OpenAiFileDto,
  OpenAiFileListDto,
  PURPOSES,
  toOpenAiFileDto,
} from './openai-file.dto.js';
import { fileIn, NAME_PATTERNS } from './openai-ids.js';

const FILE_ID = {
  name: 'file_id',
  schema: { type: 'string', pattern: NAME_PATTERNS.file },
  description: '`file-<file_id>`.',
  example: 'file-019aa1b8-4d5e-7f60-8a7b-8c9d0e1f2a3b',
} as const;

const UPLOAD: UploadKind = {
  form: { fields: ['purpose'] },
  purposeIn: ({ purpose = '' }) => {
    if ((PURPOSES as readonly string[]).includes(purpose)) return purpose;
    throw invalidField('purpose', `must be one of: ${PURPOSES.join(', ')}`);
  },
  answerOf: toOpenAiFileDto,
};

/** The files of the account, as OpenAI's API has them. */
@ApiTags('openai')
@Lenient()
@Controller('v1/files')
export class OpenAiFilesController {
  constructor(
    private readonly files: Files,
    private readonly uploads: Uploads,
    private readonly downloads: Downloads,
  ) {}

  @Post()
  @RouteConfig({ takesForm: true })
  @HttpCode(HttpStatus.OK)
  @JsonText()
  @ApiOperation({ operationId: 'createOpenAiFile', summary: 'Keep a file' })
  @ApiConsumes('multipart/form-data')
  @ApiBody({
    required: true,
    schema: {
      type: 'object',
      required: ['file', 'purpose'],
      properties: { purpose: { type: 'string', enum: [...PURPOSES] }, file: FORM_FILE },
    },
  })
  @ApiOkResponse({ type: OpenAiFileDto })
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
  @ApiOperation({ operationId: 'listOpenAiFiles', summary: 'The files of the account' })
  @ApiOkResponse({ type: OpenAiFileListDto })
  async list(
    @CurrentAccount() accountId: string,
    @Query() { limit, after, order, purpose }: ListOpenAiFilesQuery,
  ): Promise<OpenAiFileListDto> {
    const behind = after === undefined ? null : fileParam(after, 'after');
    const rows = await this.files.behind(accountId, behind, limit + 1, { order, purpose });
    const data = rows.slice(0, limit).map(toOpenAiFileDto);
    const [first = null, last = null] = [data[0]?.id, data.at(-1)?.id];
    return {
      object: 'list',
      data,
      first_id: first,
      last_id: last,
      has_more: rows.length > limit,
    };
  }

  @Get(':file_id')
  @ApiParam(FILE_ID)
  @ApiOperation({ operationId: 'getOpenAiFile', summary: 'A file' })
  @ApiOkResponse({ type: OpenAiFileDto })
  @ApiProblems(problems.fileNotFound)
  async get(
    @CurrentAccount() accountId: string,
    @Param('file_id') name: string,
  ): Promise<OpenAiFileDto> {
    return toOpenAiFileDto(await this.files.find(accountId, fileParam(name)));
  }

  @Get(':file_id/content')
  @ApiParam(FILE_ID)
  @ApiOperation({ operationId: 'getOpenAiFileContent', summary: 'The bytes of a file' })
  @ApiOkResponse({ description: 'With the type that the bytes have.', content: BYTES })
  @ApiResponse({ status: 206, description: 'The bytes that `Range` asks for.', content: BYTES })
  @ApiRevalidated()
  @ApiProblems(problems.fileNotFound, problems.rangeNotSatisfiable, problems.contentUnavailable)
  content(
    @CurrentAccount() accountId: string,
    @Param('file_id') name: string,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Readable | undefined> {
    return this.downloads.answer(accountId, fileParam(name), request, reply);
  }

  @Delete(':file_id')
  @ApiParam(FILE_ID)
  @ApiOperation({ operationId: 'deleteOpenAiFile', summary: 'Delete a file that no pair names' })
  @ApiOkResponse({ type: DeletedOpenAiFileDto })
  @ApiProblems(problems.fileNotFound, problems.fileInUse)
  async remove(
    @CurrentAccount() accountId: string,
    @Param('file_id') name: string,
  ): Promise<DeletedOpenAiFileDto> {
    await this.files.remove(accountId, fileParam(name));
    return { id: name, object: 'file', deleted: true };
  }
}

/** @throws 400 that names the field */
function fileParam(name: string, field = 'file_id'): string {
  const id = fileIn(name);
  if (id === null) throw invalidField(field, 'must be an id like file-…');
  return id;
}
