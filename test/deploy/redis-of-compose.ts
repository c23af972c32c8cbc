import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { REDIS_SERVER } from '../support/redis-child.js';
import { freePort } from '../support/stores.mjs';
import { inFolder, type Service } from './compose.js';

/**
 * A Redis by the command of its service. Of its own it has the port and the folder for its data.
 */
export class RedisOfCompose {
  private constructor(
    readonly port: number,
    private readonly child: ChildProcess,
    private readonly programs: string,
  ) {}

  /** Null where this machine has no Redis. */
  static async start(
    { command }: Service,
    secretsDir: string,
    folder: string,
  ): Promise<RedisOfCompose | null> {
    if (!REDIS_SERVER) return null;
    const port = await freePort();
    const data = join(folder, 'redis');
    mkdirSync(data);
    const [, ...args] = inFolder(command!, secretsDir);
    const own = ['--port', String(port), '--bind', '127.0.0.1', '--dir', data, '--daemonize', 'no'];
    const child = spawn(REDIS_SERVER, [...args, ...own], { stdio: ['ignore', 'pipe', 'ignore'] });
    await new Promise<void>((resolve, reject) => {
      child.once('exit', (code) => reject(new Error(`redis-server ended with ${code}`)));
      child.stdout.on('data', (chunk: Buffer) => chunk.includes('Ready to accept') && resolve());
    });
    return new RedisOfCompose(port, child, programsFor(port, folder));
  }

  cli(args: readonly string[], env: Record<string, string> = {}): string {
    const { stdout, stderr } = spawnSync('redis-cli', args, {
      env: this.environment(env),
      encoding: 'utf8',
    });
    return stdout + stderr;
  }

  /** The exit code of a health check. */
  check(check: readonly string[], secretsDir: string): number | null {
    const [file, ...args] = inFolder(check, secretsDir);
    return spawnSync(file, args, { env: this.environment({}) }).status;
  }

  stop(): void {
    this.child.removeAllListeners('exit');
    this.child.kill('SIGKILL');
  }

  private environment(env: Record<string, string>): Record<string, string> {
    return { PATH: `${this.programs}:${process.env.PATH}`, ...env };
  }
}

/**
 * A folder for the PATH in which `redis-cli` asks this port: in a container it is the usual one.
 */
function programsFor(port: number, folder: string): string {
  const programs = join(folder, 'bin');
  mkdirSync(programs);
  const cli = join(programs, 'redis-cli');
  writeFileSync(cli, `#!/bin/sh\nPATH=\${PATH#*:} exec redis-cli -p ${port} "$@"\n`);
  chmodSync(cli, 0o755);
  return programs;
}
