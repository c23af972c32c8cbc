import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { stopwatch } from '../support/machine-clock.js';

/** How a server is started: a script, and the settings of all its instances. */
export interface Program {
  script: string;
  env: Record<string, string>;
}

const START_TIMEOUT_MS = 60_000;
const LINES_KEPT = 40;

/** One process of a server at an address that stays, however often it dies. */
export class Instance {
  readonly url: string;
  /** Its latest lines of stderr and stdout, for a failure's message. */
  readonly lines: string[] = [];
  private child: ChildProcess | undefined;

  constructor(
    private readonly program: Program,
    readonly name: string,
    private readonly port: number,
  ) {
    this.url = `http://127.0.0.1:${port}`;
  }

  get isRunning(): boolean {
    return (
      this.child !== undefined && this.child.exitCode === null && this.child.signalCode === null
    );
  }

  /**
   * Starts it, armed to die at `failpoint` if one is given, and waits until it takes requests or
   * has died at its failpoint already.
   */
  async start(failpoint?: string): Promise<void> {
    const env = {
      PATH: process.env.PATH,
      NODE_ENV: 'test',
      ...this.program.env,
      PORT: String(this.port),
      ...(failpoint && { FAILPOINT: failpoint }),
    };
    const child = spawn(process.execPath, [this.program.script], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child = child;
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (data: Buffer) => this.keep(String(data)));
    for (const ran = stopwatch(); !(await this.answers()); await sleep(50)) {
      if (!this.isRunning && failpoint && child.signalCode === 'SIGKILL') return;
      if (!this.isRunning)
        throw new Error(
          `${this.name} ended with ${child.exitCode ?? child.signalCode} at its start: ${this.lines.join('\n')}`,
        );
      if (ran() > START_TIMEOUT_MS)
        throw new Error(`${this.name} does not answer: ${this.lines.join('\n')}`);
    }
  }

  /** kill -9, whatever it is doing. */
  async kill(): Promise<void> {
    if (!this.isRunning) return;
    const ended = once(this.child!, 'exit');
    this.child!.kill('SIGKILL');
    await ended;
  }

  /** Whether it dies by itself in time. */
  async diesWithin(ms: number): Promise<boolean> {
    for (const ran = stopwatch(); this.isRunning; await sleep(20)) {
      if (ran() > ms) return false;
    }
    return true;
  }

  private async answers(): Promise<boolean> {
    try {
      return (await fetch(`${this.url}/readyz`, { signal: AbortSignal.timeout(2000) })).ok;
    } catch {
      return false;
    }
  }

  private keep(text: string): void {
    this.lines.push(...text.split('\n').filter(Boolean));
    this.lines.splice(0, this.lines.length - LINES_KEPT);
  }
}
