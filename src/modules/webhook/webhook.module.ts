import { Module } from '@nestjs/common';
import { ReceiverClient } from './receiver-client.js';
import { WebhookDeliverer } from './webhook-deliverer.service.js';
import { WebhookOutbox } from './webhook-outbox.service.js';
import { WebhookController } from './webhook.controller.js';
import { WebhookService } from './webhook.service.js';

/** Events told to addresses of the outside: signed, tried again, never to private addresses. */
@Module({
  controllers: [WebhookController],
  providers: [ReceiverClient, WebhookDeliverer, WebhookOutbox, WebhookService],
  exports: [WebhookOutbox],
})
export class WebhookModule {}
