import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { StoreClient, storeDriver } from './store-client.js';

const SRC = fileURLToPath(new URL('..', import.meta.url));
const sources = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.spec.ts'))
  .map((file) => ({ file, text: readFileSync(join(SRC, file), 'utf8') }));
const having = (pattern: RegExp): string[] =>
  sources.filter(({ text }) => pattern.test(text)).map(({ file }) => file);

describe('whoever connects to a store goes one way', () => {
  it('to PostgreSQL by connections whose end somebody hears, in the pool and beside it', () => {
    expect(having(/import (?!type\b)[^;]*from 'pg'/)).toEqual([
      join('database', 'store-client.ts'),
    ]);
    const pool = new storeDriver.Pool();
    expect((pool as unknown as { Client: unknown }).Client).toBe(StoreClient);
    const client = new StoreClient();
    expect(client.listenerCount('error')).toBe(1);
    expect(() => client.emit('error', new Error('57P01'))).not.toThrow();
  });

  it('to MongoDB likewise', () => {
    const makers = having(/\.createConnection\(/);
    expect(makers).toEqual([
      join('content', 'mongo', 'mongo-connection.ts'),
      join('files', 'gridfs', 'gridfs-file-store.ts'),
    ]);
    expect(having(/onnection\.on\('error'/).sort()).toEqual(makers.sort());
  });

  it('to Redis by the class that has the patience and the pause', () => {
    expect(having(/\bcreateClient\b/)).toEqual([join('runtime', 'redis.ts')]);
    expect(having(/askAgainAt|PAUSE_MS = .*\n?.*[Rr]edis/)).toEqual([join('runtime', 'redis.ts')]);
  });
});
