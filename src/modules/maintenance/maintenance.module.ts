import { Module } from '@nestjs/common';
import { DeliveriesJob, IdempotencyKeysJob, SignInsJob } from './expiry.jobs.js';
import { AccountEventsJob } from './account-events.job.js';
import { FilesJob, LeftoversJob } from './files.jobs.js';
import type { Job } from './job.js';
import { JobRunner, JOBS } from './job-runner.js';
import { RedactionsJob } from './redactions.job.js';
import { PurgeJob } from './purge.job.js';
import { WebhookModule } from '../webhook/webhook.module.js';
import { SearchModule } from '../search/search.module.js';
import { SearchWalkJob } from './search-walk.job.js';
import { TemporaryChatsJob } from './temporary-chats.job.js';

const ALL = [
  PurgeJob,
  TemporaryChatsJob,
  IdempotencyKeysJob,
  SignInsJob,
  DeliveriesJob,
  AccountEventsJob,
  RedactionsJob,
  SearchWalkJob,
  FilesJob,
  LeftoversJob,
];

/**
 * What goes away by itself: deleted chats after their time, temporary ones, old answers of keys,
 * ended sign-ins, what became of deliveries, old events of accounts,
 * files that nobody names. And old pairs that cannot be found yet.
 */
@Module({
  imports: [WebhookModule, SearchModule],
  providers: [
    ...ALL,
    { provide: JOBS, useFactory: (...jobs: Job[]) => jobs, inject: ALL },
    JobRunner,
  ],
})
export class MaintenanceModule {}
