import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

/** The user that a server runs as. Empty: the user of this process. */
export interface RunAs {
  uid?: number;
  gid?: number;
  /**
   * A command that takes the other user's rights and then becomes the command after it (`setpriv
   * …`).
   */
  prefix: readonly string[];
}

export interface WatchedOptions {
  file: string;
  args: readonly string[];
  /** Working folder; the user must be able to enter it. */
  cwd: string;
  runAs: RunAs;
  /** Called with each line that the server writes to stderr or stdout. */
  onLine?: (line: string) => void;
}

/**
 * Nothing of our own environment reaches the servers: a stray PGPORT or LD_LIBRARY_PATH must not
 * change what they do, and messages that we look into must be English.
 */
export const SERVER_ENV = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LC_ALL: 'C',
};

/**
 * Runs the server ("$@") as long as the pipe on stdin is open. When node dies, even by SIGKILL, the
 * kernel closes the pipe, `read` ends and the server gets SIGINT: PostgreSQL's fast shutdown, and a
 * clean one for mongod too. When the server ends first, so does the watcher.
 */
const WATCH = `exec 3<&0
"$@" 3<&- >&2 & server=$!
(read -r _ <&3; kill -INT $server 2>/dev/null) & watcher=$!
wait $server; code=$?
kill $watcher 2>/dev/null
exit $code`;

const STOP_TIMEOUT_MS = 20_000;
const RESTART_DELAY_MS = { first: 100, most: 5_000 };

/**
 * Starts a server that cannot outlive this process. It stands in a process group of its own, so
 * Ctrl-C reaches this process alone, which can finish its requests before it stops the server.
 */
export function spawnWatched({ file, args, cwd, runAs, onLine }: WatchedOptions): ChildProcess {
  const [command, ...rest] = [
    ...runAs.prefix,
    '/bin/sh',
    '-c',
    WATCH,
    'banyan-watch',
    file,
    ...args,
  ];
  const child = spawn(command!, rest, {
    cwd,
    env: SERVER_ENV,
    detached: true,
    stdio: ['pipe', 'ignore', 'pipe'],
    ...(runAs.uid !== undefined && { uid: runAs.uid, gid: runAs.gid }),
  });
  child.on('error', (error) => onLine?.(`cannot run ${command}: ${error.message}`));
  child.stdin!.on('error', () => {}); // EPIPE when the watcher was killed; its exit is reported by 'exit'
  createInterface({ input: child.stderr! }).on('line', (line) => onLine?.(line));
  return child;
}

/** Lets this process end while the server runs; the server ends with it. */
function unref(child: ChildProcess): void {
  child.unref();
  for (const stream of [child.stdin, child.stderr])
    (stream as unknown as { unref(): void }).unref();
}

/** True as long as the watcher of the server runs. */
export const isRunning = (child: ChildProcess): boolean =>
  child.pid !== undefined && child.exitCode === null && child.signalCode === null;

/** Asks for a clean stop and waits for it; kills the whole group after 20 s. */
export async function stopWatched(child: ChildProcess): Promise<void> {
  if (!isRunning(child)) return;
  child.ref();
  const exited = once(child, 'exit');
  child.stdin!.end();
  const abort = new AbortController();
  const late = sleep(STOP_TIMEOUT_MS, 'late', { signal: abort.signal }).catch(() => undefined);
  if ((await Promise.race([exited, late])) === 'late') killGroup(child.pid!);
  await exited;
  abort.abort();
}

export interface RestartOptions {
  /** Name for the log. */
  name: string;
  /** Starts the server again, and calls `restartOnExit` for the new process. */
  start: () => Promise<void>;
  /** True when the end of the server is wanted. */
  isStopping: () => boolean;
  log: (line: string) => void;
}

/**
 * When a server ends that nobody stopped (out of memory, `kill -9`), it is started again, after
 * longer and longer pauses while that fails.
 */
export function restartOnExit(
  child: ChildProcess,
  { name, start, isStopping, log }: RestartOptions,
): void {
  unref(child);
  child.once('exit', async (code, signal) => {
    if (isStopping()) return;
    log(`${name} ended unexpectedly (${signal ?? `code ${code}`}); starting it again`);
    for (
      let delayMs = RESTART_DELAY_MS.first;
      !isStopping();
      delayMs = Math.min(delayMs * 2, RESTART_DELAY_MS.most)
    ) {
      try {
        return await start();
      } catch (error) {
        log((error as Error).message);
        await sleep(delayMs);
      }
    }
  });
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It ended in this very moment.
  }
}

/**
 * When the process `pid` started, as an opaque text; undefined when there is no such process (a
 * zombie counts as none). Pid and start time together name a process for ever, while a pid alone is
 * given away again.
 */
export function startTimeOf(pid: number): string | undefined {
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  if (process.platform === 'linux') return linuxStartTime(pid);
  const [state, ...started] = ps(pid, 'stat=,lstart=').split(/\s+/);
  return state && !state.startsWith('Z') ? started.join(' ') : undefined;
}

function linuxStartTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // proc(5): the name in parentheses may hold spaces; after it come the state (field 3) and, 19
    // fields on, the start time (field 22).
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

/** The command line of a process; empty when there is no such process. */
export function commandOf(pid: number): string {
  if (process.platform !== 'linux') return ps(pid, 'command=');
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}

function ps(pid: number, columns: string): string {
  try {
    return execFileSync('ps', ['-o', columns, '-p', String(pid)], {
      encoding: 'utf8',
      env: SERVER_ENV,
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return '';
  }
}

/** Waits until the process is gone. Answers false when it is still there after `timeoutMs`. */
export async function waitForEnd(pid: number, timeoutMs: number): Promise<boolean> {
  for (const deadline = Date.now() + timeoutMs; startTimeOf(pid) !== undefined; await sleep(20)) {
    if (Date.now() > deadline) return false;
  }
  return true;
}
