import { Module } from '@nestjs/common';
import { HealthController } from './health.controller.js';
import { HealthService } from './health.service.js';
import { RedisHealth } from './redis-health.js';
import { StoresBeside } from './stores-beside.js';

/**
 * `/livez`, `/readyz`, `/version`. The stores come from the global modules of the database and the
 * content.
 */
@Module({
  controllers: [HealthController],
  providers: [HealthService, RedisHealth, StoresBeside],
  exports: [HealthService],
})
export class HealthModule {}
