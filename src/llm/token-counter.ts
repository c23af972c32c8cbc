import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { Injectable, Logger } from '@nestjs/common';
import { ClosesAt } from '../runtime/shutdown.module.js';

/**
 * Tokens of some texts; null where they cannot be counted now. Never more than the bytes of a text
 * in UTF-8: no tokenizer gives more.
 */
export type CountTokens = (texts: readonly string[]) => Promise<number[] | null>;

interface Job {
  settle: (tokens: number[] | null) => void;
  timer: NodeJS.Timeout;
}

const WORKER = fileURLToPath(new URL('./token-worker.mjs', import.meta.url));
/**
 * What the thread is given at a time, so that others come in between. It counts this in some 20 ms.
 * It counts each 512 characters by themselves, and this is a multiple of them.
 */
const BATCH_CHARS_MAX = 256 * 1024;
/** So many batches may wait. */
const QUEUE_MAX = 256;
/** With the loading of the tokenizer, on a busy machine. */
const WAIT_MS = 10_000;
const ATTEMPTS_MAX = 2;
/** How long it is left alone where it broke twice. */
const PAUSE_MS = 5000;

/**
 * Counts tokens by OpenAI's o200k_base: right for its models of today, a good estimate for others;
 * at most one token too many for each 512 characters. It does so on a thread of its own: loading
 * the encoding takes half a second (and 65 MB), a long context 50 ms, and the server's only thread
 * serves everybody meanwhile.
 */
@Injectable()
export class TokenCounter {
  private readonly logger = new Logger('Tokens');
  private readonly jobs = new Map<number, Job>();
  private worker: Worker | null = null;
  private lastId = 0;
  private pausedUntil = 0;
  private isClosed = false;

  /** Begins to load the tokenizer, so that the first who counts does not wait for it. */
  warm(): void {
    this.thread();
  }

  /**
   * Never throws. Null when the thread broke, is overrun or says nothing for 10 s: callers then
   * take the bytes, which are never too few.
   */
  readonly count: CountTokens = async (texts) => {
    const all = texts.map(() => 0);
    for (const batch of batchesOf(texts)) {
      const tokens = await this.countBatch(batch.map(({ slice }) => slice));
      if (!tokens) return null;
      for (const [i, { at }] of batch.entries()) all[at]! += tokens[i]!;
    }
    return all;
  };

  /** Not earlier: answers that are interrupted by the stop are still counted. */
  @ClosesAt('jobs')
  async close(): Promise<void> {
    this.isClosed = true;
    const { worker } = this;
    if (worker) this.forget(worker);
    await worker?.terminate();
  }

  private async countBatch(texts: readonly string[]): Promise<number[] | null> {
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
      if (this.isClosed || this.jobs.size >= QUEUE_MAX || performance.now() < this.pausedUntil)
        return null;
      const tokens = await this.ask(texts);
      if (tokens) return tokens;
    }
    this.pausedUntil = performance.now() + PAUSE_MS;
    return null;
  }

  private ask(texts: readonly string[]): Promise<number[] | null> {
    const worker = this.thread();
    const id = ++this.lastId;
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.lose(worker, 'it says nothing'), WAIT_MS).unref();
      this.jobs.set(id, { settle: resolve, timer });
      worker.postMessage({ id, texts });
    });
  }

  private thread(): Worker {
    if (this.worker) return this.worker;
    const worker = new Worker(WORKER);
    worker.unref();
    worker.on('message', ({ id, tokens }: { id: number; tokens: number[] }) =>
      this.settle(id, tokens),
    );
    worker.on('error', (error: Error) => this.lose(worker, error.message));
    worker.on('exit', (code) => this.lose(worker, `it ended with ${code}`));
    return (this.worker = worker);
  }

  private settle(id: number, tokens: number[] | null): void {
    const job = this.jobs.get(id);
    if (!job) return;
    this.jobs.delete(id);
    clearTimeout(job.timer);
    job.settle(tokens);
  }

  /** The next who counts gets a new thread. */
  private lose(worker: Worker, cause: string): void {
    if (this.worker !== worker) return;
    this.logger.warn({ message: 'the thread of the tokenizer broke', cause });
    this.forget(worker);
    void worker.terminate();
  }

  private forget(worker: Worker): void {
    if (this.worker === worker) this.worker = null;
    for (const id of this.jobs.keys()) this.settle(id, null);
  }
}

/** What is counted in one go of the text at that place among all. */
interface Slice {
  at: number;
  slice: string;
}

/** The texts in order, in batches as long as the thread is given at a time. */
function* batchesOf(texts: readonly string[]): Generator<Slice[]> {
  let batch: Slice[] = [];
  let chars = 0;
  for (const one of slicesOf(texts)) {
    if (batch.length > 0 && chars + one.slice.length > BATCH_CHARS_MAX) {
      yield batch;
      [batch, chars] = [[], 0];
    }
    batch.push(one);
    chars += one.slice.length;
  }
  if (batch.length > 0) yield batch;
}

/** A text that is longer than that comes in several. */
function* slicesOf(texts: readonly string[]): Generator<Slice> {
  for (const [at, text] of texts.entries())
    for (let from = 0; from < text.length; from += BATCH_CHARS_MAX)
      yield { at, slice: text.slice(from, from + BATCH_CHARS_MAX) };
}
