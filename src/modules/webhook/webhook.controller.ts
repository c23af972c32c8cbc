import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  HttpStatus,
  Param,
  Patch,
  Post,
  Query,
  Req,
  Res,
} from '@nestjs/common';
import {
  ApiCreatedResponse,
  ApiNoContentResponse,
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
import { Idempotency, Idempotent, type IdempotentRequest } from '../../database/idempotency.js';
import {
  CreateWebhookDto,
  DeliveryDto,
  DeliveryPageDto,
  ListDeliveriesQuery,
  toDeliveryDto,
  toWebhookDto,
  UpdateWebhookDto,
  WebhookDto,
  WebhookPageDto,
  WebhookWithSecretDto,
} from './webhook.dto.js';
import { WebhookService, type WithSecret } from './webhook.service.js';

const toDtoWithSecret = ({ webhook, secret }: WithSecret): WebhookWithSecretDto => ({
  ...toWebhookDto(webhook),
  secret,
});

@ApiTags('webhooks')
@Controller('webhooks')
export class WebhookController {
  constructor(
    private readonly webhooks: WebhookService,
    private readonly idempotency: Idempotency,
  ) {}

  @Post()
  @JsonText()
  @ApiOperation({
    operationId: 'createWebhook',
    summary: 'Have an address told of events; its secret is shown this once',
    description:
      'Deliveries are signed as Standard Webhooks wants it, and tried again when they fail. See docs/webhooks.md.',
  })
  @ApiCreatedResponse({ type: WebhookWithSecretDto })
  @ApiIdempotent()
  @ApiProblems(problems.tooManyWebhooks, problems.webhooksOff)
  create(
    @CurrentAccount() accountId: string,
    @Idempotent() key: IdempotentRequest | null,
    @Body() body: CreateWebhookDto,
  ): Promise<string> {
    return this.idempotency.once(accountId, key, async (tx) =>
      toDtoWithSecret(await this.webhooks.create(tx, accountId, body)),
    );
  }

  @Get()
  @ApiOperation({
    operationId: 'listWebhooks',
    summary: 'The webhooks of the account, newest first, without their secrets',
  })
  @ApiOkResponse({ type: WebhookPageDto })
  @ApiLinked()
  async list(
    @CurrentAccount() accountId: string,
    @Query() query: PageQuery,
    @Req() { url }: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<WebhookPageDto> {
    const { items, nextCursor } = await this.webhooks.list(accountId, query);
    linkPage(reply, url, { next: ['cursor', nextCursor] });
    return { items: items.map(toWebhookDto), next_cursor: nextCursor };
  }

  @Get(':webhook_id')
  @ApiOperation({ operationId: 'getWebhook', summary: 'One webhook' })
  @ApiParam({ name: 'webhook_id', format: 'uuid' })
  @ApiOkResponse({ type: WebhookDto })
  @ApiProblems(problems.webhookNotFound)
  async get(
    @CurrentAccount() accountId: string,
    @Param('webhook_id', UuidPipe) webhookId: string,
  ): Promise<WebhookDto> {
    return toWebhookDto(await this.webhooks.get(accountId, webhookId));
  }

  @Patch(':webhook_id')
  @ApiOperation({
    operationId: 'updateWebhook',
    summary: 'Change where it goes, of what it is told, or whether',
  })
  @ApiParam({ name: 'webhook_id', format: 'uuid' })
  @ApiOkResponse({ type: WebhookDto })
  @ApiProblems(problems.webhookNotFound)
  async update(
    @CurrentAccount() accountId: string,
    @Param('webhook_id', UuidPipe) webhookId: string,
    @Body() body: UpdateWebhookDto,
  ): Promise<WebhookDto> {
    return toWebhookDto(await this.webhooks.update(accountId, webhookId, body));
  }

  @Delete(':webhook_id')
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiOperation({
    operationId: 'deleteWebhook',
    summary: 'Delete a webhook, with what is still to be sent',
  })
  @ApiParam({ name: 'webhook_id', format: 'uuid' })
  @ApiNoContentResponse()
  @ApiProblems(problems.webhookNotFound)
  remove(
    @CurrentAccount() accountId: string,
    @Param('webhook_id', UuidPipe) webhookId: string,
  ): Promise<void> {
    return this.webhooks.remove(accountId, webhookId);
  }

  @Post(':webhook_id/rotate-secret')
  @HttpCode(HttpStatus.OK)
  @JsonText()
  @ApiOperation({
    operationId: 'rotateWebhookSecret',
    summary: 'A new secret, shown this once',
    description: 'The old one stays good for 24 hours: until then deliveries have both signatures.',
  })
  @ApiParam({ name: 'webhook_id', format: 'uuid' })
  @ApiOkResponse({ type: WebhookWithSecretDto })
  @ApiIdempotent()
  @ApiProblems(problems.webhookNotFound)
  rotateSecret(
    @CurrentAccount() accountId: string,
    @Idempotent() key: IdempotentRequest | null,
    @Param('webhook_id', UuidPipe) webhookId: string,
  ): Promise<string> {
    return this.idempotency.once(accountId, key, async (tx) =>
      toDtoWithSecret(await this.webhooks.rotateSecret(tx, accountId, webhookId)),
    );
  }

  @Post(':webhook_id/test')
  @JsonText()
  @ApiOperation({
    operationId: 'testWebhook',
    summary: 'Send a `webhook.test`, to try the receiver with',
    description: 'It is on its way when this answers; what became of it is among the deliveries.',
  })
  @ApiParam({ name: 'webhook_id', format: 'uuid' })
  @ApiCreatedResponse({ type: DeliveryDto })
  @ApiIdempotent()
  @ApiProblems(problems.webhookNotFound, problems.webhookDisabled, problems.webhooksOff)
  test(
    @CurrentAccount() accountId: string,
    @Idempotent() key: IdempotentRequest | null,
    @Param('webhook_id', UuidPipe) webhookId: string,
  ): Promise<string> {
    return this.idempotency.once(accountId, key, async (tx) =>
      toDeliveryDto(await this.webhooks.test(tx, accountId, webhookId)),
    );
  }

  @Get(':webhook_id/deliveries')
  @ApiOperation({
    operationId: 'listDeliveries',
    summary: 'What was sent, or is to be, newest first',
    description: 'Kept for seven days after they were delivered or given up.',
  })
  @ApiParam({ name: 'webhook_id', format: 'uuid' })
  @ApiOkResponse({ type: DeliveryPageDto })
  @ApiLinked()
  @ApiProblems(problems.webhookNotFound)
  async deliveries(
    @CurrentAccount() accountId: string,
    @Param('webhook_id', UuidPipe) webhookId: string,
    @Query() query: ListDeliveriesQuery,
    @Req() { url }: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<DeliveryPageDto> {
    const { items, nextCursor } = await this.webhooks.deliveries(accountId, webhookId, query);
    linkPage(reply, url, { next: ['cursor', nextCursor] });
    return { items: items.map(toDeliveryDto), next_cursor: nextCursor };
  }
}
