import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeDataDir, makePrivateDir, socketDirFor } from './embedded-folders.js';
import { isRunning, restartOnExit, spawnWatched, stopWatched } from './embedded-process.js';

export interface EmbeddedMongoOptions {
  /** Path of the `mongod` program. */
  program: string;
  /** The data goes to `mongo` in this folder, the socket to `run-mongo`. */
  dataDir: string;
  /** Receives each line that mongod logs. */
  log?: (line: string) => void;
}

export interface EmbeddedMongo {
  /** Address of the database `banyan`, by Unix socket; no port is opened. */
  uri: string;
  /** Shuts the server down cleanly. Idempotent; 20 s at most. */
  stop(): Promise<void>;
}

/**
 * Name of the folder below DATA_DIR; that it exists says that the words of this data folder are in
 * MongoDB.
 */
export const MONGO_FOLDER = 'mongo';

/**
 * Recovery from the journal after a crash, and the wait for a predecessor that is still shutting
 * down, may take this long together.
 */
const START_TIMEOUT_MS = 60_000;
const LINES_KEPT = 10;

/**
 * Starts the machine's own `mongod` as a standalone server on a folder, as the user of this
 * process. It ends with this process, even with
 * `kill -9`, and is started again when it dies alone.
 * @throws Error with mongod's last lines when it does not answer within 60 s
 */
export async function startEmbeddedMongo({
  program,
  dataDir,
  log = () => {},
}: EmbeddedMongoOptions): Promise<EmbeddedMongo> {
  const server = new MongoServer(program, makeDataDir(dataDir), log);
  try {
    await server.start();
  } catch (error) {
    await server.stop();
    throw error;
  }
  // A standalone server has no retryable writes; a driver that asks for them gets an error.
  return {
    uri: `mongodb://${encodeURIComponent(server.socket)}/banyan?directConnection=true&retryWrites=false`,
    stop: () => server.stop(),
  };
}

class MongoServer {
  readonly socket: string;
  private readonly dbPath: string;
  private readonly socketDir: string;
  private child?: ChildProcess;
  private lastLines: string[] = [];
  private stopping = false;

  constructor(
    private readonly program: string,
    dataDir: string,
    private readonly log: (line: string) => void,
  ) {
    this.dbPath = join(dataDir, MONGO_FOLDER);
    this.socketDir = socketDirFor(dataDir, 'run-mongo');
    this.socket = join(this.socketDir, 'banyan.sock');
  }

  async start(): Promise<void> {
    mkdirSync(this.dbPath, { recursive: true, mode: 0o700 });
    makePrivateDir(this.socketDir, { uid: process.getuid!(), gid: process.getgid!() });
    for (const deadline = Date.now() + START_TIMEOUT_MS; ; await sleep(200)) {
      const child = this.launch();
      if (await this.answers(child, deadline)) return this.keepRunning(child);
      await stopWatched(child);
      if (this.stopping) return;
      const lastWords = this.lastLines.join('\n') || 'it said nothing';
      // The server of a Banyan that was killed may still be shutting down; mongod's own lock tells.
      const locked = /DBPathInUse|lock file/.test(lastWords) && Date.now() < deadline;
      if (!locked) throw new Error(`${this.program} did not start on ${this.dbPath}: ${lastWords}`);
    }
  }

  async stop(): Promise<void> {
    this.stopping = true;
    if (this.child) await stopWatched(this.child);
    rmSync(this.socketDir, { recursive: true, force: true });
  }

  private launch(): ChildProcess {
    this.lastLines = [];
    rmSync(this.socket, { force: true }); // what a killed server left
    // mongod always makes a second socket, named after the port; by default in /tmp, where another
    // mongod may have its own.
    const sockets = [
      '--bind_ip',
      this.socket,
      '--unixSocketPrefix',
      this.socketDir,
      '--filePermissions',
      '0700',
    ];
    const onLine = (line: string) => {
      this.lastLines = [...this.lastLines, line].slice(-LINES_KEPT);
      this.log(line);
    };
    const args = ['--dbpath', this.dbPath, '--quiet', ...sockets];
    this.child = spawnWatched({
      file: this.program,
      args,
      cwd: this.dbPath,
      runAs: { prefix: [] },
      onLine,
    });
    return this.child;
  }

  private async answers(child: ChildProcess, deadline: number): Promise<boolean> {
    for (; isRunning(child) && Date.now() < deadline; await sleep(20)) {
      if (await canConnect(this.socket)) return true;
    }
    await sleep(20); // the last lines may come after the exit
    return false;
  }

  private keepRunning(child: ChildProcess): void {
    restartOnExit(child, {
      name: 'MongoDB',
      start: () => this.start(),
      isStopping: () => this.stopping,
      log: this.log,
    });
  }
}

async function canConnect(path: string): Promise<boolean> {
  const socket = connect({ path });
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
