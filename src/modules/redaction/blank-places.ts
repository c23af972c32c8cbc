import type { EntityManager } from 'typeorm';
import { blanking, COUNTS, PLACES } from '../../content/places.js';

/**
 * Takes the words of redacted pairs out of every place besides the pairs themselves. May be done
 * any number of times: pairs that are not redacted keep all they have.
 */
export async function blankPlaces(
  tx: EntityManager,
  accountId: string,
  responseIds: readonly string[],
): Promise<void> {
  for (const place of [...COUNTS, ...PLACES])
    await tx.query(blanking(place), [accountId, responseIds]);
}
