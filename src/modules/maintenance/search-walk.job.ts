import { Injectable, Logger } from '@nestjs/common';
import { SearchWalks } from '../search/search-walks.service.js';
import type { Job } from './job.js';

/** The other jobs wait no longer; the next run goes on where this one ended. */
const RUN_MS = 30_000;

/**
 * Makes old pairs be found: those that were there before the search was, and those that an instance
 * left behind when it died. Who searches does not wait for it: an account is looked through then.
 */
@Injectable()
export class SearchWalkJob implements Job {
  readonly name = 'search';
  readonly everySeconds = 60;
  private readonly logger = new Logger('Search');

  constructor(private readonly walks: SearchWalks) {}

  /** It removes nothing. */
  async run(signal: AbortSignal): Promise<number> {
    const endMs = performance.now() + RUN_MS;
    const pairs = await this.walks.walkAll(() => signal.aborted || performance.now() > endMs);
    if (pairs > 0) this.logger.log({ message: 'old pairs can be found now', pairs });
    return 0;
  }
}
