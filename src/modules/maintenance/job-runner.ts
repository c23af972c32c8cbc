import { Inject, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Loop } from '../../runtime/loop.js';
import { Outage } from '../../runtime/outage.js';
import { ClosesAt } from '../../runtime/shutdown.module.js';
import type { Job } from './job.js';

/** Token of the list of jobs. */
export const JOBS = Symbol('JOBS');

/** Any number, the same in every instance: who holds this advisory lock does the housekeeping. */
const LOCK = 8_217_002;
const FIRST_SECONDS = 30;
/** Instances that were started together must not ask for the lock together for ever. */
const JITTER = 0.2;

/**
 * Runs the jobs, one after the other, on one instance of all at a time. Work on requests is never
 * waited for, nor made to wait.
 */
@Injectable()
export class JobRunner implements OnApplicationBootstrap {
  private readonly logger = new Logger('Maintenance');
  private readonly abort = new AbortController();
  /** When the next run of each job is due, in milliseconds of `performance.now()`. */
  private readonly due = new Map<Job, number>();
  private readonly loop = new Loop(
    () => this.runDue(),
    new Outage((reason) =>
      this.logger.warn({ message: 'PostgreSQL cannot be reached for maintenance', reason }),
    ),
  );

  constructor(
    private readonly dataSource: DataSource,
    @Inject(JOBS) private readonly jobs: readonly Job[],
  ) {}

  onApplicationBootstrap(): void {
    for (const job of this.jobs) this.schedule(job, Math.min(FIRST_SECONDS, job.everySeconds));
    this.loop.start(this.nextMs());
  }

  @ClosesAt('jobs')
  stop(): Promise<void> {
    this.abort.abort();
    return this.loop.stop();
  }

  /** Runs the job if no other instance is at work; answers whether it did. */
  async runOnce(job: Job): Promise<boolean> {
    const runner = this.dataSource.createQueryRunner();
    try {
      const [lock] = (await runner.query('SELECT pg_try_advisory_lock($1) AS held', [LOCK])) as {
        held: boolean;
      }[];
      if (!lock?.held) return false;
      await this.run(job);
      await runner.query('SELECT pg_advisory_unlock($1)', [LOCK]);
      return true;
    } finally {
      await runner.release();
    }
  }

  private schedule(job: Job, seconds: number): void {
    this.due.set(job, performance.now() + seconds * 1000 * (1 + JITTER * (2 * Math.random() - 1)));
  }

  /** A job that could not begin stays due. */
  private async runDue(): Promise<number> {
    for (const job of this.jobs) {
      if (this.due.get(job)! > performance.now()) continue;
      const didRun = !this.loop.isStopped && (await this.runOnce(job));
      this.schedule(job, didRun && job.hasMore?.() ? 0 : job.everySeconds);
    }
    return this.nextMs();
  }

  private nextMs(): number {
    return Math.max(0, Math.min(...this.due.values()) - performance.now());
  }

  /**
   * A job that fails is told and comes again at its next time; the lock is given back in any case.
   */
  private async run(job: Job): Promise<void> {
    const started = performance.now();
    try {
      const removed = await job.run(this.abort.signal);
      if (removed > 0)
        this.logger.log({
          message: 'maintenance done',
          job: job.name,
          removed,
          tookMs: Math.round(performance.now() - started),
        });
    } catch (error) {
      this.logger.warn({
        message: 'maintenance failed and is tried again later',
        job: job.name,
        reason: (error as Error).message,
      });
    }
  }
}
