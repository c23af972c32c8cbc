import { jest } from '@jest/globals';
import type { PurgeJob } from '../../src/modules/maintenance/purge.job.js';
import { withClient } from './app.js';

/**
 * From now on it does not wait for a write that MongoDB may still get, nor for readers who have not
 * heard of the end: ten seconds of a test in which there are none.
 */
export function purgeWithoutWait(job: PurgeJob): void {
  jest.spyOn(job as unknown as { waitMs(): number }, 'waitMs').mockReturnValue(0);
}

/** A deleted chat cannot be restored any more: the next purge takes it. */
export const endRestoring = (databaseUrl: string, chatId: string) =>
  withClient(databaseUrl, (client) =>
    client.query(
      `UPDATE chats SET deleted_at = deleted_at - interval '40 days' WHERE chat_id = $1`,
      [chatId],
    ),
  );
