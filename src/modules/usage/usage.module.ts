import { Module } from '@nestjs/common';
import { Quotas } from './quotas.service.js';
import { UsageController } from './usage.controller.js';
import { UsageService } from './usage.service.js';

/** What the answers of models took, and how much they may. */
@Module({
  controllers: [UsageController],
  providers: [UsageService, Quotas],
  exports: [Quotas],
})
export class UsageModule {}
