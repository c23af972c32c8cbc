import type { AddressInfo } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { Logger } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { parseCommand } from './config/arguments.js';
import { banner } from './config/banner.js';
import { type Config, loadConfig } from './config/config.js';
import { type Stores, startStores } from './database/embedded-stores.js';
import { untilPostgresIsThere } from './database/start-patience.js';
import { WaitingRoom } from './runtime/waiting-room.js';

// V8 notes where objects are made that live long, and makes the next ones there old at once. What a
// request makes it takes for such an object, and all that hangs on it then stays until a full
// collection: docs/performance.md, Sockets, has the figures with and without.
setFlagsFromString('--no-allocation-site-pretenuring');

/** Ctrl-C comes twice under npm: from the terminal, and handed on by npm. */
const SAME_SIGNAL_MS = 500;

const print = (text: string): void => void process.stdout.write(`${text}\n`);
const complain = (text: string): void => void process.stderr.write(`${text}\n`);

/** What is running, in the order of its start; the stop goes backwards. */
const running: { stores?: Stores; waiting?: WaitingRoom; app?: NestFastifyApplication } = {};
let stopping = false;
let signalledAt = 0;

async function serve(): Promise<void> {
  const config = loadConfig();
  running.stores = await startStores(config, { say: print, log });
  if (stopping) return;
  running.waiting = await onPort(config.PORT, config.HOST, () =>
    WaitingRoom.open(config.PORT, config.HOST),
  );
  await untilPostgresIsThere(running.stores.config.DATABASE_URL, {
    say: print,
    isOver: () => stopping,
  });
  if (stopping) return;
  // Loaded here and not above: it takes most of a second, which would come before every message
  // about a setting.
  const { createApp } = await import('./app.setup.js');
  running.app = await createApp(running.stores.config);
  if (stopping) return;
  await running.waiting.close();
  await listen(running.app, config);
  print(banner(running.stores.config, (running.app.getHttpServer().address() as AddressInfo).port));
}

async function listen(app: NestFastifyApplication, { PORT, HOST }: Config): Promise<void> {
  // Not app.listen(), which logs the error before it throws: a person should read one sentence, not
  // two.
  await onPort(PORT, HOST, () =>
    app.getHttpAdapter().getInstance().listen({ port: PORT, host: HOST }),
  );
}

async function onPort<Result>(
  port: number,
  host: string,
  listen: () => Promise<Result>,
): Promise<Result> {
  try {
    return await listen();
  } catch (error) {
    throw new Error(reasonOf(error as NodeJS.ErrnoException, port, host), { cause: error });
  }
}

function reasonOf({ code, message }: NodeJS.ErrnoException, port: number, host: string): string {
  if (code === 'EADDRINUSE')
    return `Port ${port} on ${host} is in use by another program. Stop that one, or set PORT to another port (0 takes any free one).`;
  if (code === 'EACCES')
    return `Port ${port} may not be opened by this user. Set PORT to one above 1023.`;
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
    return `This machine has no address ${host}. Set HOST to one that it has, or to 0.0.0.0 for all.`;
  return `Cannot listen on ${host}:${port}: ${message}`;
}

/**
 * Lines of the servers that we started. Before the application is there its logger has no level
 * yet: what matters then is thrown.
 */
function log(line: string): void {
  if (!running.app) return;
  if (/PANIC|unexpectedly|did not start/.test(line)) Logger.warn(line, 'Stores');
  else Logger.debug(line, 'Stores');
}

/** The application in its one order (`runtime/shutdown.ts`), then the databases under it. */
async function stopAll(): Promise<void> {
  stopping = true;
  const { app, stores, waiting } = running;
  await waiting?.close();
  await app?.close();
  await stores?.stop();
}

async function onSignal(signal: NodeJS.Signals): Promise<void> {
  if (signalledAt && performance.now() - signalledAt < SAME_SIGNAL_MS) return;
  // The servers that we started see the pipe close and stop by themselves.
  if (signalledAt) process.exit(1);
  signalledAt = performance.now();
  stopping = true;
  print(`${signal}: ending running requests, then stopping (again: at once) …`);
  await starting.catch(() => {});
  await stopAll();
  print('Stopped.');
  process.exit(0);
}

/**
 * A fault that nobody caught may have left anything behind: the state on disk is good (R8), the one
 * in memory is not to be trusted.
 */
function onCrash(error: unknown): void {
  Logger.fatal(error instanceof Error ? (error.stack ?? error.message) : String(error), 'main');
  process.exit(1);
}

/** A start that failed is told by its sentence alone; the stack is for faults of ours. */
async function onFailedStart(error: unknown): Promise<void> {
  if (stopping) return;
  complain(error instanceof Error ? error.message : String(error));
  await stopAll().catch((fault: unknown) => complain(String(fault)));
  process.exit(1);
}

const command = parseCommand(process.argv.slice(2));
let starting = Promise.resolve();
if (command.kind === 'tell') {
  (command.exitCode === 0 ? process.stdout : process.stderr).write(command.text);
  process.exitCode = command.exitCode;
} else {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
    process.on(signal, (name) => void onSignal(name));
  process.on('uncaughtException', onCrash);
  process.on('unhandledRejection', onCrash);
  starting = serve();
  starting.catch(onFailedStart);
}
