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
  /** In pieces. */
  payload: readonly Buffer[];
}

/** In ms of CPU, beyond what the same request costs with a body of two bytes. */
export interface Cost {
  statusCode: number;
  ms: number;
  maxMs: number;
  parseMs: number;
}

/** A piece of so many bytes is sent once, and then named. */
const LARGE_BYTES = 16 * 1024;

/** Measures what bodies cost in a compiled server. */
export class BodyMeter {
  private readonly sent = new WeakMap<Buffer, number>();
  private count = 0;

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
    const payload = request.payload.map((piece) => this.toSend(piece));
    this.child.send({ request: { ...request, payload }, ...budget });
    const [cost] = (await once(this.child, 'message')) as [Cost];
    return cost;
  }

  private toSend(piece: Buffer): { id?: number; bytes?: Buffer } {
    if (piece.length < LARGE_BYTES) return { bytes: piece };
    const id = this.sent.get(piece);
    if (id !== undefined) return { id };
    this.sent.set(piece, this.count);
    return { id: this.count++, bytes: piece };
  }

  async stop(): Promise<void> {
    this.child.disconnect();
    await once(this.child, 'exit');
  }
}
