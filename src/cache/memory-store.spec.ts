import { setTimeout as sleep } from 'node:timers/promises';
import { memoryStore } from './memory-store.js';
import { undisturbed } from '../../test/support/machine-clock.js';

const leavesAfterItsTime = async (): Promise<void> => {
  const { keyv, count, close } = memoryStore({ CACHE_MAX_MB: 1, CACHE_TTL_SECONDS: 0.1 });
  const made = { state: 's', link: '', json: Buffer.from('words that were erased') };
  await keyv.set('chat', made);
  expect([count(), await keyv.get('chat')]).toEqual([1, made]);
  while (count() > 0) await sleep(20);
  expect(await keyv.get('chat')).toBeUndefined();
  close();
};
it('an answer that nobody asks for again leaves the memory soon after its time', () =>
  undisturbed(leavesAfterItsTime));
