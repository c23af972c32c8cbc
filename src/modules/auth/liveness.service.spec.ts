import { types } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import type { Database } from '../../database/database.js';
import { LivenessService, RECHECK_MS } from './liveness.service.js';

const SESSION = { accountId: 'a', sessionId: 's' };

const LIVES = [{ place: 1 }];

interface Question {
  /** Accounts, families, API keys. */
  columns: (string | null)[][];
  answer(rows: object[]): void;
  fail(error: Error): void;
}

/** A database that answers when the test says so. */
function aDatabase() {
  const asked: Question[] = [];
  const query = (_statement: unknown, columns: (string | null)[][]) =>
    new Promise((answer, fail) => asked.push({ columns, answer, fail }));
  return { asked, database: { query } as unknown as Database };
}

/** Other instances, heard when the test says so. */
function wakeUps() {
  const told: string[] = [];
  const hears: ((key: string) => void)[] = [];
  const listen = (_kind: string, hear: (key: string) => void) => hears.push(hear);
  return {
    told,
    say: (key: string) => hears.forEach((hear) => hear(key)),
    wakeUps: { tell: (_kind: string, key: string) => told.push(key), listen } as never,
  };
}

function aService() {
  const clock = { at: 1_000_000, now: () => clock.at };
  const { asked, database } = aDatabase();
  const { told, say, wakeUps: others } = wakeUps();
  return { clock, asked, told, say, service: new LivenessService(database, clock, others) };
}

/** Questions of one turn go out together, at its end. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('LivenessService', () => {
  it('asks once for callers that come together, then not for ten seconds', async () => {
    const { clock, asked, service } = aService();
    const both = [service.isLive(SESSION), service.isLive(SESSION)];
    await turn();
    asked[0]?.answer(LIVES);
    expect(await Promise.all(both)).toEqual([true, true]);

    clock.at += RECHECK_MS - 1;
    expect(service.isLive(SESSION)).toBe(true);
    expect(asked).toHaveLength(1);

    clock.at += 1;
    expect(types.isPromise(service.isLive(SESSION))).toBe(true);
    await turn();
    expect(asked).toHaveLength(2);
  });

  it('asks for all that are due in one statement', async () => {
    const { asked, service } = aService();
    const subjects = [
      SESSION,
      { accountId: 'a', apiKeyId: 'k' },
      { accountId: 'b' },
      { accountId: 'b', sessionId: 't' },
    ];
    const answers = subjects.map((subject) => service.isLive(subject));
    await turn();
    asked[0]?.answer([{ place: 1 }, { place: 3 }]);
    expect(await Promise.all(answers)).toEqual([true, false, true, false]);
    expect(asked.map(({ columns }) => columns)).toEqual([
      [
        ['a', 'a', 'b', 'b'],
        ['s', null, null, 't'],
        [null, 'k', null, null],
      ],
    ]);
  });

  it('an end is told to those who listen here, and to other instances; whoever asks then is refused', () => {
    const { told, service } = aService();
    const heard: string[] = [];
    service.listen((key) => heard.push(key));
    service.end(SESSION);
    expect([heard, told, service.isLive(SESSION)]).toEqual([['a/s'], ['a/s'], false]);
  });

  it('an end at another instance is asked for at once, whatever a check that is under way may answer', async () => {
    const { asked, say, service } = aService();
    const heard: string[] = [];
    service.listen((key) => heard.push(key));
    const before = service.isLive(SESSION);
    await turn();
    say('a/s');
    asked[0]?.answer(LIVES);
    expect([heard, await before]).toEqual([['a/s'], true]);
    const after = service.isLive(SESSION);
    await turn();
    asked[1]?.answer([]);
    expect(await after).toBe(false);
  });

  it('what is gone stays gone', async () => {
    const { asked, service } = aService();
    const live = service.isLive(SESSION);
    await turn();
    asked[0]?.answer([]);
    expect(await live).toBe(false);
    expect(service.isLive(SESSION)).toBe(false);
  });

  it('a logout wins against a check that was under way', async () => {
    const { asked, service } = aService();
    const live = service.isLive(SESSION);
    await turn();
    service.end(SESSION);
    asked[0]?.answer(LIVES);
    expect(await live).toBe(false);
    expect(service.isLive(SESSION)).toBe(false);
  });

  it('a failed check refuses nobody for good: the error passes, and the next call asks again', async () => {
    const { asked, service } = aService();
    const live = service.isLive(SESSION) as Promise<boolean>;
    await turn();
    asked[0]?.fail(new Error('connection lost'));
    await expect(live).rejects.toThrow('connection lost');
    const again = service.isLive(SESSION);
    await turn();
    asked[1]?.answer(LIVES);
    expect(await again).toBe(true);
  });

  it('the account of an outside issuer may be missing and come back', async () => {
    const { asked, service } = aService();
    const live = service.isLive({ accountId: 'a' });
    await turn();
    asked[0]?.answer([]);
    expect(await live).toBe(false);
    service.confirm({ accountId: 'a' });
    expect(service.isLive({ accountId: 'a' })).toBe(true);
  });
});
