import { Module } from '@nestjs/common';
import { IdempotencyKeysJob, SignInsJob } from './expiry.jobs.js';
import type { Job } from './job.js';
import { JobRunner, JOBS } from './job-runner.js';
import { PurgeJob } from './purge.job.js';
import { TemporaryChatsJob } from './temporary-chats.job.js';

const ALL = [PurgeJob, TemporaryChatsJob, IdempotencyKeysJob, SignInsJob];

/** What goes away by itself: deleted chats after their time, temporary ones, old answers of keys, ended sign-ins. */
@Module({
  providers: [...ALL, { provide: JOBS, useFactory: (...jobs: Job[]) => jobs, inject: ALL }, JobRunner],
})
export class MaintenanceModule {}
