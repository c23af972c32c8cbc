import { type ChildProcess, spawn } from 'node:child_process';

/** The Redis server of this machine; undefined where there is none to be started and killed. */
export const REDIS_SERVER = process.env.TEST_REDIS_SERVER;

/** A Redis of its own, that keeps nothing on disk; comes back when it takes connections. */
export async function startRedisAt(port: number): Promise<ChildProcess> {
  const redis = spawn(
    REDIS_SERVER!,
    ['--port', String(port), '--bind', '127.0.0.1', '--save', ''],
    {
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  );
  await new Promise<void>((resolve) =>
    redis.stdout.on('data', (chunk: Buffer) => chunk.includes('Ready to accept') && resolve()),
  );
  return redis;
}
