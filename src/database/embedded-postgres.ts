import { join } from 'node:path';
import { locateBinaries } from './embedded-binaries.js';
import { Cluster, type ClusterPlan } from './embedded-cluster.js';
import { checkVersion, clusterOwner, makeDataDir, socketDirFor } from './embedded-folders.js';
import { claimFolder } from './embedded-owner.js';
import { chooseUser, runnerFor } from './embedded-user.js';
import { StoreClient } from './store-client.js';

const DATABASE = 'banyan';

export interface EmbeddedPostgresOptions {
  /**
   * Folder for the cluster (`postgres`), its socket (`run`) and the claim (`banyan.pid`). Made when
   * absent.
   */
  dataDir: string;
  /** Receives each line that PostgreSQL logs, and what its supervisor does. */
  log?: (line: string) => void;
  /** PostgreSQL settings by name, for tests: `{ fsync: 'off' }`. Durability is on without them. */
  settings?: Readonly<Record<string, string>>;
  /** Called before a new cluster is made, which takes about a second. */
  onFirstStart?: () => void;
}

export interface EmbeddedPostgres {
  /**
   * Address of the database `banyan`; the user is the superuser `postgres`, by Unix socket only.
   */
  url: string;
  /** True when the cluster was made by this call. */
  firstStart: boolean;
  /**
   * Shuts the server down, with all connections, and gives the folder back. Idempotent; 20 s at
   * most.
   */
  stop(): Promise<void>;
}

/**
 * Starts PostgreSQL from the npm binaries on a folder, and makes the cluster and the database
 * `banyan` when they are absent.
 *
 * The server ends with this process, even with `kill -9`; after any crash the next start recovers.
 * When the server alone dies it is started again at the same address. Root runs it as the owner of
 * the cluster or the system user `postgres`.
 * @throws Error in plain words with the mend: folder in use or not reachable, no binaries for this
 * platform, other major version, …
 */
export async function startEmbeddedPostgres(
  options: EmbeddedPostgresOptions,
): Promise<EmbeddedPostgres> {
  const binaries = locateBinaries();
  const dataDir = makeDataDir(options.dataDir);
  const giveBack = claimFolder(dataDir);
  let cluster: Cluster | undefined;
  const stop = async () => {
    await cluster?.stop();
    giveBack();
  };
  try {
    const plan = planFor(binaries, dataDir, options);
    cluster = new Cluster(plan);
    const firstStart = clusterOwner(plan.clusterDir) === undefined;
    if (firstStart) {
      options.onFirstStart?.();
      await cluster.create();
    }
    await cluster.start();
    await createDatabase(cluster.url('postgres'));
    return { url: cluster.url(DATABASE), firstStart, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function planFor(
  binaries: ClusterPlan['binaries'],
  dataDir: string,
  { log = () => {}, settings = {} }: EmbeddedPostgresOptions,
): ClusterPlan {
  const clusterDir = join(dataDir, 'postgres');
  const existing = clusterOwner(clusterDir);
  const owner = chooseUser(existing, clusterDir);
  if (existing) checkVersion(clusterDir);
  const runAs = runnerFor(owner, binaries.initdb, dataDir);
  return {
    binaries,
    dataDir,
    clusterDir,
    socketDir: socketDirFor(dataDir, 'run'),
    owner,
    runAs,
    settings,
    log,
  };
}

/**
 * Looked up each time, since the very first start may have been killed between the cluster and the
 * database.
 */
async function createDatabase(adminUrl: string): Promise<void> {
  const client = new StoreClient({ connectionString: adminUrl });
  await client.connect();
  try {
    const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [
      DATABASE,
    ]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${DATABASE} TEMPLATE template0`);
  } finally {
    await client.end();
  }
}
