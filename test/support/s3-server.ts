import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { findProgram } from '../../src/config/find-program.js';
import { freePort } from './stores.mjs';

export interface S3Server {
  /** Which one it is. */
  name: string;
  /** For FILE_STORE. */
  address: string;
  keys: { accessKeyId: string; secretAccessKey: string };
  pid: number;
  stop(): Promise<void>;
}

/** The only pair that s3rver knows. */
const KEYS = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' };
const BUCKET = 'banyan-files';

/**
 * A server that speaks S3, with keys that it checks, as a process of its own: versitygw (from its
 * Go module) where it is on the PATH, else s3rver, which npm has installed.
 */
export async function startS3(): Promise<S3Server> {
  const dir = await mkdtemp(join(tmpdir(), 'banyan-s3-'));
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const gateway = findProgram('versitygw');
  const child = gateway ? await versitygw(gateway, dir, port) : s3rver(dir, port);
  await makeBucket(endpoint);
  return {
    name: gateway ? 'versitygw' : 's3rver',
    address: `s3://${BUCKET}/banyan?endpoint=${endpoint}`,
    keys: KEYS,
    pid: child.pid!,
    stop: async () => {
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function versitygw(program: string, dir: string, port: number): Promise<ChildProcess> {
  const [objects, attributes] = [join(dir, 'objects'), join(dir, 'attributes')];
  for (const folder of [objects, attributes]) await mkdir(folder);
  const args = ['--port', `127.0.0.1:${port}`, 'posix', '--sidecar', attributes, objects];
  const env = {
    ...process.env,
    ROOT_ACCESS_KEY: KEYS.accessKeyId,
    ROOT_SECRET_KEY: KEYS.secretAccessKey,
  };
  return spawn(program, args, { env, stdio: 'ignore' });
}

function s3rver(dir: string, port: number): ChildProcess {
  const program = createRequire(import.meta.url).resolve('s3rver/bin/s3rver.js');
  // The marks at which its lists go on are made with a cipher that OpenSSL 3 knows no longer.
  const args = ['--openssl-legacy-provider', program, '-d', dir, '-a', '127.0.0.1'];
  return spawn(process.execPath, [...args, '-p', String(port), '--silent'], {
    env: { ...process.env, NODE_OPTIONS: '' },
    stdio: 'ignore',
  });
}

/** Also waits until the server listens. */
async function makeBucket(endpoint: string): Promise<void> {
  const client = new S3Client({
    endpoint,
    region: 'us-east-1',
    credentials: KEYS,
    forcePathStyle: true,
  });
  for (let tries = 1; ; tries++) {
    try {
      await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
      return client.destroy();
    } catch (error) {
      if (tries === 50) throw error;
      await sleep(100);
    }
  }
}
