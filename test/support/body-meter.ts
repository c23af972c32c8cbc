import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { createDatabase, SETTINGS } from './app.js';

const PROGRAM = fileURLToPath(new URL('./body-costs.mjs', import.meta.url));

/** How many times the cost of `JSON.parse` a body may cost. */
export interface Budget {
  most: { refused: number; accepted: number };
  /** What costs less stops nobody, and is too little to be measured. */
  freeMs: number;
}

export interface RequestWithBody {
  method: string;
  url: string;
  payload: Buffer;
}

/** In ms of CPU, beyond what the same request costs with a body of two bytes. */
export interface Cost {
  statusCode: number;
  ms: number;
  maxMs: number;
  parseMs: number;
}

/** Measures what bodies cost in a compiled server. */
export class BodyMeter {
  private constructor(private readonly child: ChildProcess) {}

  static async start(): Promise<BodyMeter> {
    const { PATH = '', HOME = '/' } = process.env;
    const env = { PATH, HOME, NODE_ENV: 'test', ...SETTINGS, DATABASE_URL: await createDatabase() };
    const child = fork(PROGRAM, { env, execArgv: [], serialization: 'advanced' });
    await Promise.race([
      once(child, 'message'),
      once(child, 'exit').then(([code]) =>
        Promise.reject(new Error(`the server ended with ${code}`)),
      ),
    ]);
    return new BodyMeter(child);
  }

  async costOf(request: RequestWithBody, budget: Budget): Promise<Cost> {
    this.child.send({ request, ...budget });
    const [cost] = (await once(this.child, 'message')) as [Cost];
    return cost;
  }

  async stop(): Promise<void> {
    this.child.disconnect();
    await once(this.child, 'exit');
  }
}
