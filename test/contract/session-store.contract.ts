import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '../../src/common/ids.js';
import type {
  SessionKey,
  SessionLimits,
  SessionMessage,
  SessionStore,
  Wake,
} from '../../src/modules/session/session-store.js';
import { undisturbed, until } from '../support/machine-clock.js';

export interface SessionStoreOptions {
  ttlSeconds: number;
  limits?: SessionLimits;
}

/**
 * Two views of the same sessions: as two instances have them where the store is shared, else twice
 * the same.
 */
export type OpenSessionStores = (
  options: SessionStoreOptions,
) => Promise<{ here: SessionStore; there: SessionStore; close(): Promise<void> }>;

const aKey = (sessionId: string = randomUUID(), accountId: string = randomUUID()): SessionKey => ({
  accountId,
  sessionId,
});
const aMessage = (content: string, id = newId()): SessionMessage => ({
  id,
  role: 'user',
  content,
  created_at: new Date().toISOString(),
});
const contentsOf = (messages: readonly SessionMessage[]): string[] =>
  messages.map(({ content }) => content);

/** What every adapter of `SessionStore` must do. */
export function sessionStoreContract(open: OpenSessionStores): void {
  let here: SessionStore;
  let there: SessionStore;
  let close: () => Promise<void>;

  beforeAll(async () => {
    ({ here, there, close } = await open({ ttlSeconds: 600 }));
  });
  afterAll(() => close());

  it('gives back what was appended, unchanged and in order, from any position', async () => {
    const key = aKey();
    const messages = ['one', 'zwei 🦣 \u2028', '{"$gt":""}'].map((content) => aMessage(content));
    for (const message of messages) await here.append(key, message);
    expect(await there.read(key)).toEqual(messages);
    expect(await there.read(key, 1)).toEqual(messages.slice(1));
    expect(await there.read(key, 3)).toEqual([]);
  });

  it('a session that nobody wrote to is empty, and not in the list', async () => {
    const key = aKey();
    expect(await here.read(key)).toEqual([]);
    await here.clear(key);
    expect(await here.list(key.accountId)).toEqual([]);
  });

  it('100 appends at once at two instances lose nothing, and all readers see one order', async () => {
    const key = aKey();
    const contents = Array.from({ length: 100 }, (_, n) => `m${n}`);
    await Promise.all(
      contents.map((content, n) => (n % 2 ? here : there).append(key, aMessage(content))),
    );
    const seen = contentsOf(await here.read(key));
    expect([...seen].sort()).toEqual([...contents].sort());
    expect(contentsOf(await there.read(key))).toEqual(seen);
    expect(await there.list(key.accountId)).toEqual([{ sessionId: key.sessionId, count: 100 }]);
  });

  it('a message that is appended again changes nothing', async () => {
    const key = aKey();
    const message = aMessage('once');
    await Promise.all([here, there, here].map((store) => store.append(key, message)));
    expect(await here.read(key)).toEqual([message]);
  });

  it('lists the sessions of an account with their counts, the one written to last first', async () => {
    const accountId = randomUUID();
    for (const [sessionId, content] of [
      ['a', '1'],
      ['b', '2'],
      ['a', '3'],
    ] as const) {
      await here.append(aKey(sessionId, accountId), aMessage(content));
    }
    expect(await there.list(accountId)).toEqual([
      { sessionId: 'a', count: 2 },
      { sessionId: 'b', count: 1 },
    ]);
    await there.clear(aKey('a', accountId));
    expect(await here.list(accountId)).toEqual([{ sessionId: 'b', count: 1 }]);
  });

  it('lists sessions in the order of their writing, also those of one millisecond', async () => {
    const accountId = randomUUID();
    const names = Array.from({ length: 60 }, (_, n) => `s${(n * 7) % 60}`);
    // Sent without waiting: the store takes them in this order.
    await Promise.all(names.map((name) => here.append(aKey(name, accountId), aMessage('x'))));
    expect((await there.list(accountId)).map(({ sessionId }) => sessionId)).toEqual(
      names.reverse(),
    );
  });

  it('the same name of two accounts is two sessions', async () => {
    const [ann, bob] = [aKey('shared'), aKey('shared')];
    await here.append(ann, aMessage('of Ann'));
    await here.clear(bob);
    expect([await here.read(bob), contentsOf(await here.read(ann))]).toEqual([[], ['of Ann']]);
    expect(await here.list(bob.accountId)).toEqual([]);
  });

  it('keeps apart sessions whose names look like parts of keys', async () => {
    const accountId = randomUUID();
    const names = [
      'a',
      'a:b',
      'a/b',
      '{a}',
      'a b',
      ' a',
      '*',
      '..',
      'ü'.normalize('NFC'),
      'ü'.normalize('NFD'),
      'x'.repeat(200),
      '__proto__',
    ];
    for (const name of names) await here.append(aKey(name, accountId), aMessage(name));
    for (const name of names)
      expect(contentsOf(await there.read(aKey(name, accountId)))).toEqual([name]);
    expect(new Set((await there.list(accountId)).map(({ sessionId }) => sessionId))).toEqual(
      new Set(names),
    );
  });

  it('what is cleared is gone, and may be begun anew', async () => {
    const key = aKey();
    await here.append(key, aMessage('old'));
    await there.clear(key);
    expect(await here.read(key)).toEqual([]);
    await here.append(key, aMessage('new'));
    expect(contentsOf(await there.read(key))).toEqual(['new']);
  });

  it('tells every change to who watches, on every instance, in order, for this session alone and until they stop', async () => {
    const [key, other] = [aKey('a\n"b"'), aKey()];
    await until(async () => {
      // A new connection may still be on its way to hear what is said.
      let heard = false;
      const stop = there.watch(other, () => (heard = true));
      await here.append(other, aMessage('can you hear me?'));
      await sleep(20);
      stop();
      return heard;
    });
    const wakes: Wake[] = [];
    const stop = there.watch(key, (wake) => wakes.push(wake));
    const [one, two, three] = ['one', 'zwei 🦣 \n\u2028', '{"after":""}'].map((content) =>
      aMessage(content),
    ) as [SessionMessage, SessionMessage, SessionMessage];
    await here.append(other, aMessage('elsewhere'));
    for (const message of [one, two, two]) await here.append(key, message);
    await here.clear(key);
    await here.clear(key);
    await here.append(key, three);
    await until(() => wakes.length === 5);
    expect(wakes).toEqual([
      { message: one, after: '' },
      { message: two, after: one.id },
      { message: null, after: two.id },
      { message: null, after: '' },
      { message: three, after: '' },
    ]);
    stop();
    let after = false;
    const last = there.watch(key, () => (after = true));
    await here.append(key, aMessage('late'));
    await until(() => after);
    expect(wakes).toHaveLength(5);
    last();
  });

  describe('time and room', () => {
    it('a session ends when nobody has written to it for its time, and not before', async () => {
      const stores = await open({ ttlSeconds: 1 });
      const key = await undisturbed(async () => {
        const kept = aKey();
        await stores.here.append(kept, aMessage('first'));
        const written: number[] = [];
        // Longer than the time to live in all, but never between two of them.
        for (let n = 0; n < 4; n++) {
          await sleep(400);
          await stores.here.append(kept, aMessage(`kept ${n}`));
          written.push((await stores.there.read(kept)).length);
        }
        expect(written).toEqual([2, 3, 4, 5]);
        return kept;
      });
      await until(async () => (await stores.there.read(key)).length === 0);
      expect(await stores.there.list(key.accountId)).toEqual([]);
      await stores.close();
    });

    it('refuses what goes beyond a bound, and stores nothing of it', async () => {
      const stores = await open({
        ttlSeconds: 600,
        limits: { messagesMax: 3, bytesMax: 1000, sessionsMax: 2, accountBytesMax: 4000 },
      });
      const [few, large] = [aKey(), aKey()];
      for (const content of ['1', '2', '3']) await stores.here.append(few, aMessage(content));
      await expect(stores.here.append(few, aMessage('4'))).rejects.toMatchObject({
        kind: { code: 'session_full' },
      });
      await expect(stores.here.append(large, aMessage('ü'.repeat(500)))).rejects.toMatchObject({
        kind: { code: 'session_full' },
      });
      const accountId = few.accountId;
      await stores.here.append(aKey('second', accountId), aMessage('1'));
      const third = aKey('third', accountId);
      await expect(stores.here.append(third, aMessage('1'))).rejects.toMatchObject({
        kind: { code: 'too_many_sessions' },
      });
      expect([
        (await stores.here.read(few)).length,
        await stores.here.read(large),
        await stores.here.read(third),
      ]).toEqual([3, [], []]);
      await stores.here.clear(few);
      await stores.here.append(third, aMessage('now'));
      expect(await stores.here.list(accountId)).toHaveLength(2);
      await stores.close();
    });

    it('one account has its room and no more, until a session is cleared or ends', async () => {
      const stores = await open({
        ttlSeconds: 2,
        limits: { messagesMax: 99, bytesMax: 2000, sessionsMax: 9, accountBytesMax: 1500 },
      });
      const refused = { kind: { code: 'too_many_sessions' } };
      const fill = async (accountId: string): Promise<void> => {
        const write = (sessionId: string, of = accountId) =>
          stores.here.append(aKey(sessionId, of), aMessage('x'.repeat(400)));
        await write('a');
        await write('b');
        for (const name of ['a', 'c']) await expect(write(name)).rejects.toMatchObject(refused);
        expect(
          (await stores.there.list(accountId)).map(({ sessionId, count }) => [sessionId, count]),
        ).toEqual([
          ['b', 1],
          ['a', 1],
        ]);
        await write('c', randomUUID());
        await stores.there.clear(aKey('a', accountId));
        await write('c');
        await expect(write('a')).rejects.toMatchObject(refused);
        await until(async () => (await stores.here.list(accountId)).length === 0);
        for (const name of ['c', 'd']) await write(name);
        await expect(write('d')).rejects.toMatchObject(refused);
      };
      await undisturbed(() => fill(randomUUID()));
      await stores.close();
    });
  });
}
