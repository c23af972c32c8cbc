import { Injectable, Logger } from '@nestjs/common';
import { SearchWalks } from '../search/search-walks.service.js';
import type { Job } from './job.js';

/** The other jobs wait no longer; then it goes on where it ended. */
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
  private wasCut = false;

  constructor(private readonly walks: SearchWalks) {}

  /** It removes nothing. */
  async run(signal: AbortSignal): Promise<number> {
    const endMs = performance.now() + RUN_MS;
    const isLate = (): boolean => performance.now() > endMs;
    this.wasCut = false;
    const pairs = await this.walks.walkAll(() => signal.aborted || isLate());
    this.wasCut = isLate();
    if (pairs > 0) this.logger.log({ message: 'old pairs can be found now', pairs });
    return 0;
  }

  hasMore(): boolean {
    return this.wasCut;
  }
}
