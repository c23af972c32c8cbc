import { Module } from '@nestjs/common';
import { UsageController } from './usage.controller.js';
import { UsageService } from './usage.service.js';

/** What the answers of models took. */
@Module({ controllers: [UsageController], providers: [UsageService] })
export class UsageModule {}
