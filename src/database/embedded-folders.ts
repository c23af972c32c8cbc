import { createHash } from 'node:crypto';
import {
  accessSync,
  chmodSync,
  chownSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * A socket's path has room for 103 bytes on macOS (107 on Linux); the servers add `/.s.PGSQL.5432`
 * and `/mongodb-27017.sock`.
 */
const SOCKET_DIR_BYTES_MAX = 80;

const MAJOR = '18';

/**
 * Makes the data folder, open to walk through for the user that the server runs as, and answers its
 * real path.
 */
export function makeDataDir(path: string): string {
  try {
    // Only what is made here is opened (a strict umask would shut PostgreSQL's user out); a folder
    // that exists is its owner's business.
    if (mkdirSync(path, { recursive: true })) chmodSync(path, 0o755);
    return realpathSync(path);
  } catch (error) {
    throw new Error(
      `The data folder ${path} cannot be made: ${(error as Error).message}. Set DATA_DIR to a folder that can be written.`,
      {
        cause: error,
      },
    );
  }
}

/** The owner of a cluster that exists; undefined when there is none yet. */
export function clusterOwner(clusterDir: string): { uid: number; gid: number } | undefined {
  return existsSync(clusterDir) ? statSync(clusterDir) : undefined;
}

/**
 * @throws Error with the mend when the cluster was made by another major version, whose files this
 * one cannot read.
 */
export function checkVersion(clusterDir: string): void {
  const file = join(clusterDir, 'PG_VERSION');
  const version = isReadable(file) ? readFileSync(file, 'utf8').trim() : MAJOR; // PostgreSQL itself says what it cannot read
  if (version === MAJOR) return;
  throw new Error(
    `${clusterDir} was made by PostgreSQL ${version}; this is ${MAJOR}. Dump it with the old version, set DATA_DIR to an empty folder and restore there.`,
  );
}

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Where a server's socket goes: into the data folder, or when that path is too long for a socket,
 * in the folder for temporary files.
 */
export function socketDirFor(dataDir: string, folder: string): string {
  const beside = join(dataDir, folder);
  if (Buffer.byteLength(beside) <= SOCKET_DIR_BYTES_MAX) return beside;
  // Always the same name for one server, so that what a killed process left is used again.
  const name = `banyan-${createHash('sha256').update(beside).digest('hex').slice(0, 12)}`;
  const temporary = join(tmpdir(), name);
  return Buffer.byteLength(temporary) <= SOCKET_DIR_BYTES_MAX ? temporary : join('/tmp', name);
}

/**
 * Makes a folder that only the server's user may enter: there are no passwords, the folder is the
 * protection.
 * @throws Error when something else stands in its place (in a shared folder for temporary files
 * anybody could have put it there)
 */
export function makePrivateDir(path: string, { uid, gid }: { uid: number; gid: number }): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const found = lstatSync(path);
  if (!found.isDirectory() || (found.uid !== uid && found.uid !== process.getuid!())) {
    throw new Error(
      `${path} is not a folder of the server's user (id ${uid}). Remove it and start again.`,
    );
  }
  if (found.uid !== uid) chownSync(path, uid, gid);
  if ((found.mode & 0o777) !== 0o700) chmodSync(path, 0o700);
}
