import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Binaries } from './embedded-binaries.js';
import { makePrivateDir } from './embedded-folders.js';
import {
  commandOf,
  isRunning,
  type RunAs,
  spawnWatched,
  startTimeOf,
  restartOnExit,
  stopWatched,
  waitForEnd,
} from './embedded-process.js';
import { StoreClient } from './store-client.js';

/** Everything that is settled before the first process is started. */
export interface ClusterPlan {
  binaries: Binaries;
  dataDir: string;
  clusterDir: string;
  socketDir: string;
  owner: { uid: number; gid: number };
  runAs: RunAs;
  /** PostgreSQL settings, by name; they win over ours. */
  settings: Readonly<Record<string, string>>;
  log: (line: string) => void;
}

/** `fsync`, `full_page_writes` and `synchronous_commit` stay as PostgreSQL has them: on. */
const SETTINGS = {
  listen_addresses: '',
  port: '5432', // names the socket; no port is opened
  max_connections: '100',
  shared_buffers: '128MB',
  wal_compression: 'pglz', // the npm binaries are built without lz4
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_min_messages: 'fatal', // below it, lines quote what people sent; the server logs its failed statements itself
  log_checkpoints: 'off',
};

/**
 * PostgreSQL's built-in locale sorts and folds case the same on every machine. Only the word
 * breaker of full-text search still asks the C library what a letter is: the first of these that it
 * knows is taken. With `C` a dash from beyond ASCII would be a letter.
 */
const CTYPES = ['C.UTF-8', 'en_US.UTF-8', 'C'];

/**
 * How long to wait for the server of a Banyan that was killed; its shutdown writes all dirty pages.
 */
const PREDECESSOR_TIMEOUT_MS = 30_000;
/** How long backends of a postmaster that was killed may hold its shared memory. */
const SHARED_MEMORY_TIMEOUT_MS = 15_000;
/** Above the highest pid that Linux (2^22) and macOS (99 999) give. */
const PID_OF_NOBODY = '2147483647';
const LINES_KEPT = 20;

/** One PostgreSQL cluster in a folder, and the server process on it. */
export class Cluster {
  private child?: ChildProcess;
  private lastLines: string[] = [];
  private stopping = false;

  constructor(private readonly plan: ClusterPlan) {}

  /**
   * Address of a database of this cluster. Port and sslmode are spelt out, because pg would else
   * take PGPORT and PGSSLMODE.
   */
  url(database: string): string {
    return `postgres://postgres@localhost:5432/${database}?host=${encodeURIComponent(this.plan.socketDir)}&sslmode=disable`;
  }

  /**
   * Makes the cluster. Killed half-way it leaves only a folder that the next call removes: the last
   * step is a rename.
   */
  async create(): Promise<void> {
    const { binaries, dataDir, clusterDir, owner, settings } = this.plan;
    for (const name of readdirSync(dataDir)) {
      if (name.startsWith('postgres.new'))
        rmSync(join(dataDir, name), {
          recursive: true,
          force: true,
          maxRetries: 20,
          retryDelay: 50,
        });
    }
    const half = join(dataDir, `postgres.new-${process.pid}`);
    makePrivateDir(half, owner);
    const access = [
      '--username=postgres',
      '--auth-local=trust',
      '--auth-host=reject',
      '--no-instructions',
    ];
    const sync = settings['fsync'] === 'off' ? ['--no-sync'] : [];
    for (const ctype of CTYPES) {
      const locale = [
        '--encoding=UTF8',
        '--locale=C',
        '--locale-provider=builtin',
        '--builtin-locale=C.UTF-8',
        `--lc-ctype=${ctype}`,
      ];
      const child = this.run(binaries.initdb, ['-D', half, ...locale, ...access, ...sync], half);
      if ((await exitOf(child)) === 0) break;
      if (ctype === CTYPES.at(-1) || !this.lastWords().includes('invalid locale'))
        throw new Error(`initdb could not make ${clusterDir}: ${this.lastWords()}`);
    }
    renameSync(half, clusterDir);
  }

  /**
   * Starts the server and waits until it answers, however long the recovery after a crash takes.
   * @throws Error with the server's last lines
   */
  async start(): Promise<void> {
    for (const deadline = Date.now() + SHARED_MEMORY_TIMEOUT_MS; ; await sleep(100)) {
      await this.endPredecessor();
      if (this.stopping) return;
      makePrivateDir(this.plan.socketDir, this.plan.owner);
      const child = this.launch();
      if (await this.answers(child)) return this.keepRunning(child);
      if (this.stopping) return;
      const retry =
        /shared memory block .* still in use/.test(this.lastWords()) && Date.now() < deadline;
      if (!retry)
        throw new Error(`PostgreSQL did not start in ${this.plan.clusterDir}: ${this.lastWords()}`);
    }
  }

  /** Fast shutdown: open transactions are rolled back, everything is written. Idempotent. */
  async stop(): Promise<void> {
    this.stopping = true;
    if (this.child) await stopWatched(this.child);
    rmSync(this.plan.socketDir, { recursive: true, force: true });
  }

  private launch(): ChildProcess {
    const { binaries, clusterDir, socketDir, settings } = this.plan;
    const all = Object.entries({ ...SETTINGS, unix_socket_directories: socketDir, ...settings });
    this.child = this.run(
      binaries.postgres,
      ['-D', clusterDir, ...all.flatMap(([name, value]) => ['-c', `${name}=${value}`])],
      clusterDir,
    );
    return this.child;
  }

  private run(file: string, args: string[], cwd: string): ChildProcess {
    this.lastLines = [];
    const onLine = (line: string) => {
      this.lastLines = [...this.lastLines, line].slice(-LINES_KEPT);
      this.plan.log(line);
    };
    return spawnWatched({ file, args, cwd, runAs: this.plan.runAs, onLine });
  }

  private lastWords = (): string => this.lastLines.join('\n') || 'it said nothing';

  /** True when the server answers, false when its process ended first. */
  private async answers(child: ChildProcess): Promise<boolean> {
    for (; isRunning(child); await sleep(10)) {
      if (await canConnect(this.url('postgres'))) return true;
    }
    await sleep(20); // the last lines of stderr may come after the exit
    return false;
  }

  private keepRunning(child: ChildProcess): void {
    restartOnExit(child, {
      name: 'PostgreSQL',
      start: () => this.start(),
      isStopping: () => this.stopping,
      log: this.plan.log,
    });
  }

  /**
   * Waits for a server that is still at work on this folder. Its Banyan is dead (the folder was
   * claimed), so it is stopping, or nobody tells it to: the signal does no harm to one that is
   * stopping.
   */
  private async endPredecessor(): Promise<void> {
    const { clusterDir, socketDir } = this.plan;
    const file = join(clusterDir, 'postmaster.pid');
    const pid = postmasterPid(file);
    if (pid === undefined) return; // it was shut down
    if (startTimeOf(pid) !== undefined && commandOf(pid).includes(clusterDir)) {
      signal(pid);
      const ended = await waitForEnd(pid, PREDECESSOR_TIMEOUT_MS);
      if (!ended)
        throw new Error(
          `An older PostgreSQL server (process ${pid}) still uses ${clusterDir}. Stop it: kill -INT ${pid}`,
        );
    }
    disownLock(file);
    rmSync(join(socketDir, '.s.PGSQL.5432.lock'), { force: true });
  }
}

async function exitOf(child: ChildProcess): Promise<number | null> {
  if (child.pid === undefined) return null;
  const [code] = (await once(child, 'close')) as [number | null];
  return code;
}

function postmasterPid(file: string): number | undefined {
  try {
    return Number.parseInt(readFileSync(file, 'latin1'), 10);
  } catch {
    return undefined;
  }
}

/**
 * Puts a pid that no process can have into the lock of a dead server. PostgreSQL would take any
 * living process of the same user for its owner, zombies too. The file itself stays, for by its
 * other lines PostgreSQL finds backends that outlived their postmaster.
 */
function disownLock(file: string): void {
  if (!existsSync(file)) return;
  const [, ...rest] = readFileSync(file, 'latin1').split('\n');
  const lock = openSync(file, 'r+');
  try {
    writeSync(lock, [PID_OF_NOBODY, ...rest].join('\n'), 0, 'latin1'); // never shorter than what was there
  } finally {
    closeSync(lock);
  }
}

function signal(pid: number): void {
  try {
    process.kill(pid, 'SIGINT');
  } catch {
    // It ended in this moment, or is not ours to stop; waiting tells.
  }
}

async function canConnect(url: string): Promise<boolean> {
  const client = new StoreClient({ connectionString: url, connectionTimeoutMillis: 5_000 });
  try {
    await client.connect();
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => {});
  }
}
