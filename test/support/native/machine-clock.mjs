// Loaded by Node itself, not by jest: one clock for all files of a worker.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

const TICK_MS = 10;
/** What goes by between two ticks and is more than this, the machine stood still. */
const GAP_MS = 100;

const TICKER = `
  const { parentPort, workerData: { time, tickMs, gapMs } } = require('node:worker_threads');
  let last = performance.now();
  setInterval(() => {
    const now = performance.now();
    time[0] += Math.min(now - last, gapMs);
    last = now;
  }, tickMs);
  parentPort.postMessage('ticks');`;

let started;

/**
 * The time that this machine ran, in ms: it stands still while the machine does, or gives this
 * process no turn at all. It ticks in a thread of its own, so that who keeps the event loop busy
 * gains nothing.
 */
export const machineClock = () => (started ??= start());

async function start() {
  const time = new Float64Array(new SharedArrayBuffer(8));
  const workerData = { time, tickMs: TICK_MS, gapMs: GAP_MS };
  const worker = new Worker(TICKER, { eval: true, execArgv: [], workerData });
  await once(worker, 'message');
  worker.unref();
  return () => time[0];
}
