import { jest } from '@jest/globals';
import type { PurgeJob } from '../../src/modules/maintenance/purge.job.js';

/**
 * From now on it does not wait for a write that MongoDB may still get, nor for readers who have not
 * heard of the end: ten seconds of a test in which there are none.
 */
export function purgeWithoutWait(job: PurgeJob): void {
  jest.spyOn(job as unknown as { waitMs(): number }, 'waitMs').mockReturnValue(0);
}
