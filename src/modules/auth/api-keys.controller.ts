import { Body, Controller, Delete, Get, HttpCode, HttpStatus, Param, Post } from '@nestjs/common';
import {
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiTags,
} from '@nestjs/swagger';
import { ApiProblems } from '../../common/api-problems.js';
import { CurrentAccount } from '../../common/current-account.js';
import { problems } from '../../common/problems.js';
import { UuidPipe } from '../../common/validation.pipe.js';
import { ApiKeyListDto, CreateApiKeyDto, CreatedApiKeyDto, toApiKeyDto } from './api-keys.dto.js';
import { ApiKeysService } from './api-keys.service.js';

@ApiTags('auth')
@Controller('auth/api-keys')
export class ApiKeysController {
  constructor(private readonly apiKeys: ApiKeysService) {}

  @Post()
  @ApiOperation({ operationId: 'createApiKey', summary: 'Make an API key; it is shown this once' })
  @ApiCreatedResponse({ type: CreatedApiKeyDto })
  async create(
    @CurrentAccount() accountId: string,
    @Body() { name, expires_at }: CreateApiKeyDto,
  ): Promise<CreatedApiKeyDto> {
    const { key, text } = await this.apiKeys.create(
      accountId,
      name,
      expires_at ? new Date(expires_at) : null,
    );
    return { ...toApiKeyDto(key), api_key: text };
  }

  @Get()
  @ApiOperation({
    operationId: 'listApiKeys',
    summary: 'The API keys of the account, without their secrets',
  })
  @ApiOkResponse({ type: ApiKeyListDto })
  async list(@CurrentAccount() accountId: string): Promise<ApiKeyListDto> {
    return { items: (await this.apiKeys.list(accountId)).map(toApiKeyDto) };
  }

  @Delete(':api_key_id')
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiOperation({ operationId: 'deleteApiKey', summary: 'End an API key' })
  @ApiParam({ name: 'api_key_id', format: 'uuid' })
  @ApiNoContentResponse()
  @ApiProblems(problems.apiKeyNotFound)
  delete(
    @CurrentAccount() accountId: string,
    @Param('api_key_id', UuidPipe) apiKeyId: string,
  ): Promise<void> {
    return this.apiKeys.delete(accountId, apiKeyId);
  }
}
