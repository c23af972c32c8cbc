import { describe, expect, it } from '@jest/globals';
import type { Database } from '../../database/database.js';
import { LivenessService, RECHECK_MS } from './liveness.service.js';

const SESSION = { accountId: 'a', sessionId: 's' };

/** A database that answers when the test says so. */
function aDatabase() {
  const asked: { answer: (rows: object[]) => void; fail: (error: Error) => void }[] = [];
  const query = () => new Promise((answer, fail) => asked.push({ answer, fail }));
  return { asked, database: { query } as unknown as Database };
}

function aService() {
  const clock = { at: 1_000_000, now: () => clock.at };
  const { asked, database } = aDatabase();
  return { clock, asked, service: new LivenessService(database, clock) };
}

describe('LivenessService', () => {
  it('asks once for callers that come together, then not for ten seconds', async () => {
    const { clock, asked, service } = aService();
    const both = [service.isLive(SESSION), service.isLive(SESSION)];
    asked[0]?.answer([{}]);
    expect(await Promise.all(both)).toEqual([true, true]);

    clock.at += RECHECK_MS - 1;
    expect(service.isLive(SESSION)).toBe(true);
    expect(asked).toHaveLength(1);

    clock.at += 1;
    expect(service.isLive(SESSION)).toBeInstanceOf(Promise);
    expect(asked).toHaveLength(2);
  });

  it('what is gone stays gone', async () => {
    const { asked, service } = aService();
    const live = service.isLive(SESSION);
    asked[0]?.answer([]);
    expect(await live).toBe(false);
    expect(service.isLive(SESSION)).toBe(false);
  });

  it('a logout wins against a check that was under way', async () => {
    const { asked, service } = aService();
    const live = service.isLive(SESSION);
    service.end(SESSION);
    asked[0]?.answer([{}]);
    expect(await live).toBe(false);
    expect(service.isLive(SESSION)).toBe(false);
  });

  it('a failed check refuses nobody for good: the error passes, and the next call asks again', async () => {
    const { asked, service } = aService();
    const live = service.isLive(SESSION) as Promise<boolean>;
    asked[0]?.fail(new Error('connection lost'));
    await expect(live).rejects.toThrow('connection lost');
    const again = service.isLive(SESSION);
    asked[1]?.answer([{}]);
    expect(await again).toBe(true);
  });

  it('the account of an outside issuer may be missing and come back', async () => {
    const { asked, service } = aService();
    const live = service.isLive({ accountId: 'a' });
    asked[0]?.answer([]);
    expect(await live).toBe(false);
    service.confirm({ accountId: 'a' });
    expect(service.isLive({ accountId: 'a' })).toBe(true);
  });
});
