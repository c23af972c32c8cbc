import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestApp, type TestApp } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { Proxy } from '../support/proxy.js';
import { REDIS_SERVER, startRedisAt } from '../support/redis-child.js';
import { freePort } from '../support/stores.mjs';
import {
  clear,
  contentsOf,
  errorsOf,
  list,
  path,
  post,
  read,
  refusalOf,
  say,
  SessionSocket,
} from './session-tester.js';
import { stopwatch, undisturbed, until } from '../support/machine-clock.js';

(REDIS_SERVER ? describe : describe.skip)('chat sessions, in a Redis that dies', () => {
  let port: number;
  let redis: ChildProcess;
  let here: TestApp;
  let there: TestApp;
  let ann: TestClient;

  const startRedis = async (): Promise<void> => {
    redis = await startRedisAt(port);
  };
  const command = async (...words: string[]): Promise<void> => {
    const { createClient } = await import('@redis/client');
    const client = await createClient({ url: `redis://127.0.0.1:${port}` }).connect();
    await client.sendCommand(words);
    client.destroy();
  };
  const recovered = async (): Promise<void> => {
    for (const client of [ann, ann.at(there.url)])
      await until(async () => (await list(client)).status === 200, 'its return', 8000);
  };

  beforeAll(async () => {
    port = await freePort();
    await startRedis();
    // Each refusal is an error in the log, and refusals are what is tested here.
    const settings = { REDIS_URL: `redis://127.0.0.1:${port}`, LOG_LEVEL: 'silent' };
    here = await startTestApp('postgres', settings);
    there = await startTestApp('postgres', settings, here.databaseUrl);
    ann = await TestClient.register(here.url);
  });
  afterAll(async () => {
    await Promise.all([here.close(), there.close()]);
    redis.kill('SIGKILL');
  });

  const refusedInTime = async (): Promise<void> => {
    for (const ask of [
      () => list(ann),
      () => read(ann, 's'),
      () => say(ann, 's', 'x'),
      () => clear(ann, 's'),
    ]) {
      const ran = stopwatch();
      const answer = await ask();
      expect([answer.status, /store_unavailable|outcome_unknown/.test(answer.body.code)]).toEqual([
        503,
        true,
      ]);
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(ran()).toBeLessThan(4000);
    }
  };

  it('answers 503 with Retry-After while it is away, also to upgrades, and recovers by itself with empty sessions', async () => {
    await say(ann, 's', 'before');
    const socket = await SessionSocket.open(ann.at(there.url), 's');
    await socket.heard(1);
    const ended = once(redis, 'exit');
    redis.kill('SIGKILL');
    await ended;
    await refusedInTime();
    expect((await say(ann, 's', 'x')).body.code).toBe('store_unavailable');
    const refused = await refusalOf(here.url, path('s'), {
      headers: { authorization: `Bearer ${ann.token}` },
    });
    expect([refused.status, refused.body.code, Number(refused.headers['retry-after']) > 0]).toEqual(
      [503, 'store_unavailable', true],
    );
    socket.send({ role: 'user', content: 'lost' });
    expect(await errorsOf(socket, 1)).toEqual(['store_unavailable']);
    await startRedis();
    await recovered();
    expect((await read(ann, 's')).body.messages).toEqual([]);
    // The socket has stayed, learns that the session is gone, and hears what is new.
    await socket.until(() => socket.events('session.cleared').length === 1);
    await say(ann, 's', 'after');
    await socket.until(() => socket.events('message.created').length === 1);
    expect(socket.events('message.created')[0].content).toBe('after');
    await socket.close();
  });

  it('nothing is missed or doubled on a socket when the connections to Redis break', async () => {
    const socket = await SessionSocket.open(ann.at(there.url), 'hiccups');
    await socket.heard(1);
    const stored: string[] = [];
    for (let n = 0; n < 30; n++) {
      if (n % 10 === 5)
        for (const kind of ['normal', 'pubsub'])
          await command('CLIENT', 'KILL', 'TYPE', kind, 'SKIPME', 'yes');
      const answer = await say(ann, 'hiccups', `m${n}`);
      if (answer.status === 201) stored.push(`m${n}`);
      else await recovered();
    }
    await recovered();
    const { body } = await read(ann, 'hiccups');
    expect(contentsOf(body)).toEqual(expect.arrayContaining(stored));
    await socket.until(() => socket.events('message.created').length >= body.messages.length);
    expect(socket.events('message.created')).toEqual(body.messages);
    expect(socket.events('session.cleared')).toEqual([]);
    await socket.close();
  });

  it('is as patient with one that says nothing as with one that is gone', async () => {
    redis.kill('SIGSTOP');
    try {
      await refusedInTime();
    } finally {
      redis.kill('SIGCONT');
    }
    await recovered();
    expect((await say(ann, randomUUID(), 'x')).status).toBe(201);
  });

  it('a slow one keeps no connection to PostgreSQL from others', async () => {
    const server = await startTestApp('postgres', {
      REDIS_URL: `redis://127.0.0.1:${port}`,
      LOG_LEVEL: 'silent',
      DATABASE_POOL_SIZE: '2',
    });
    const bob = await TestClient.register(server.url);
    const body = { role: 'user', content: 'x' };
    // They are patient with Redis for so long, and no longer.
    await undisturbed(async () => {
      redis.kill('SIGSTOP');
      let answered = 0;
      const posts = Array.from({ length: 6 }, () =>
        post(bob, 's', body, { 'idempotency-key': randomUUID() }).finally(() => void answered++),
      );
      try {
        // By then all of them wait for Redis.
        await sleep(200);
        const started = await bob.post('/chats', {});
        expect([started.status, answered]).toEqual([201, 0]);
      } finally {
        redis.kill('SIGCONT');
        await Promise.all(posts);
      }
    });
    await server.close();
    await recovered();
  });

  it('that goes away right behind a message makes no failure of a message that is stored', async () => {
    const proxy = await Proxy.to({ host: '127.0.0.1', port });
    const server = await startTestApp('postgres', {
      REDIS_URL: `redis://127.0.0.1:${proxy.port}`,
      LOG_LEVEL: 'silent',
    });
    const bob = await TestClient.register(server.url);
    proxy.cutAt('LRANGE');
    const answer = await say(bob, 's', 'stored');
    expect([answer.status, answer.status === 201 && contentsOf(answer.body)]).toEqual([
      201,
      ['stored'],
    ]);
    await server.close();
    proxy.close();
  });

  it('that has no room says so, and nothing is half written', async () => {
    await say(ann, 'small', 'before');
    await command('CONFIG', 'SET', 'maxmemory', '1mb');
    for (const id of ['small', 'another']) {
      const answer = await say(ann, id, 'x');
      expect([answer.status, answer.body.code, answer.body.detail]).toEqual([
        503,
        'store_unavailable',
        'Redis has no room left.',
      ]);
    }
    expect(contentsOf((await read(ann, 'small')).body)).toEqual(['before']);
    // Whoever clears makes room.
    expect((await clear(ann, 'small')).status).toBe(200);
    await command('CONFIG', 'SET', 'maxmemory', '0');
    expect((await list(ann)).body).not.toContainEqual(
      expect.objectContaining({ session_id: 'another' }),
    );
    expect(contentsOf((await say(ann, 'another', 'x')).body)).toEqual(['x']);
  });

  it('that is slow lets no socket in behind those that a stop has closed', async () => {
    const server = await startTestApp('postgres', {
      REDIS_URL: `redis://127.0.0.1:${port}`,
      LOG_LEVEL: 'silent',
    });
    const bob = await TestClient.register(server.url);
    redis.kill('SIGSTOP');
    const asked = once(server.app.getHttpServer(), 'upgrade');
    const refused = refusalOf(server.url, path('s'), {
      headers: { authorization: `Bearer ${bob.token}` },
    });
    await asked;
    await sleep(150);
    const closed = server.close();
    await sleep(150);
    redis.kill('SIGCONT');
    expect([(await refused).status, (await refused).body?.detail]).toEqual([
      503,
      'The server stops.',
    ]);
    await closed;
    await recovered();
  });

  it('that is away at the start is no reason not to start, nor to hang at the end', async () => {
    const server = await startTestApp('postgres', {
      REDIS_URL: `redis://127.0.0.1:${await freePort()}`,
      LOG_LEVEL: 'silent',
    });
    expect((await list(await TestClient.register(server.url))).status).toBe(503);
    const ran = stopwatch();
    await server.close();
    expect(ran()).toBeLessThan(5000);
  });
});
