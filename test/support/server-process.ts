import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** The server as it is built. */
export const MAIN = fileURLToPath(new URL('../../dist/server/main.mjs', import.meta.url));
const READY_TIMEOUT_MS = 60_000;

export interface ServerOptions {
  /**
   * Working folder, without a `.env`; `DATA_DIR` is `data` below it unless `env` says otherwise.
   */
  cwd: string;
  /** Settings. Of the environment of the test run only PATH and HOME are handed on. */
  env?: Record<string, string>;
  args?: string[];
  /** The program that is run; the compiled server when absent. */
  program?: string;
  uid?: number;
  gid?: number;
}

/** The compiled server as a process of its own, for tests of its start, its end and its death. */
export class ServerProcess {
  /** All it printed so far. */
  out = '';
  err = '';
  /** Its address; known when it is ready. */
  url = '';
  private readonly child: ChildProcess;
  private readonly exited: Promise<unknown[]>;

  constructor({ cwd, env = {}, args = [], program = MAIN, uid, gid }: ServerOptions) {
    const { PATH = '', HOME = '/' } = process.env;
    this.child = spawn(process.execPath, [program, ...args], {
      cwd,
      env: { PATH, HOME, PORT: '0', LOG_LEVEL: 'warn', NODE_ENV: 'test', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(uid !== undefined && { uid, gid }),
    });
    this.exited = once(this.child, 'close');
    this.child.stdout!.on('data', (chunk: Buffer) => (this.out += String(chunk)));
    this.child.stderr!.on('data', (chunk: Buffer) => (this.err += String(chunk)));
  }

  /** Starts one and waits for its banner. @throws with its output when it ends or takes too long */
  static async ready(options: ServerOptions): Promise<ServerProcess> {
    const server = new ServerProcess(options);
    for (const deadline = Date.now() + READY_TIMEOUT_MS; !server.url; await sleep(20)) {
      server.url = /Banyan is ready: (\S+)/.exec(server.out)?.[1] ?? '';
      if (!server.url && (server.child.exitCode !== null || Date.now() > deadline)) {
        server.kill();
        throw new Error(`not ready:\n${server.out}\n${server.err}`);
      }
    }
    return server;
  }

  get pid(): number {
    return this.child.pid!;
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }

  /** Waits for its end. @returns exit code, or null after a signal */
  async exit(): Promise<number | null> {
    return (await this.exited)[0] as number | null;
  }

  /** As by the out-of-memory killer. */
  kill(): void {
    this.child.kill('SIGKILL');
  }

  async stop(): Promise<number | null> {
    this.signal('SIGTERM');
    return this.exit();
  }
}

/**
 * Pids of all processes whose command line names the folder, this process not counted. Linux only;
 * elsewhere none.
 */
export function processesOn(folder: string): number[] {
  if (!existsSync('/proc/self/cmdline')) return [];
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && pid !== process.pid && commandLine(pid).includes(folder));
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}
