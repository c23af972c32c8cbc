import { execFileSync, spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { type RunAs, SERVER_ENV } from './embedded-process.js';

const USER = 'postgres';

interface Ids {
  uid: number;
  gid: number;
}

/**
 * The user that owns the cluster and runs the server. PostgreSQL refuses to run as root, so root
 * takes the owner of a cluster that exists, else the system user `postgres`, which is made when it
 * is absent.
 * @param owner uid and gid of the folder of an existing cluster
 * @throws Error with the mend when an ordinary user meets a foreign cluster, or no user can be made
 */
export function chooseUser(owner: Ids | undefined, clusterDir: string): Ids {
  const own = { uid: process.getuid!(), gid: process.getgid!() };
  if (own.uid === 0) return owner && owner.uid !== 0 ? owner : systemUser();
  if (owner && owner.uid !== own.uid) {
    throw new Error(
      `The PostgreSQL folder ${clusterDir} belongs to the user with id ${owner.uid}, and this process runs as ${own.uid}. ` +
        `Start as that user (or as root), or run: chown -R ${own.uid} ${clusterDir}`,
    );
  }
  return own;
}

function systemUser(): Ids {
  const known = lookUp();
  if (known) return known;
  // Debian and Red Hat have the first; BusyBox has the second.
  for (const [command, ...args] of [
    ['useradd', '--system', '--user-group', '--no-create-home', '--shell', '/bin/false', USER],
    ['adduser', '-S', '-D', '-H', USER],
  ]) {
    spawnSync(command!, args, { env: SERVER_ENV, stdio: 'ignore' });
    const made = lookUp();
    if (made) return made;
  }
  throw new Error(
    `PostgreSQL does not run as root, and the system user "${USER}" could not be made. Make it (useradd --system ${USER}), or start Banyan as an ordinary user.`,
  );
}

function lookUp(): Ids | undefined {
  try {
    const id = (flag: string) =>
      Number(
        execFileSync('id', [flag, USER], {
          env: SERVER_ENV,
          encoding: 'utf8',
          stdio: ['ignore', 'pipe', 'ignore'],
        }),
      );
    return { uid: id('-u'), gid: id('-g') };
  } catch {
    return undefined;
  }
}

/**
 * How root starts the server as `ids` so that it can run `initdb` and work in `dir`.
 *
 * Below a folder that only root may enter (a clone in /root, or in what mktemp -d made) the user
 * reaches neither. Then the server keeps one right of root: to walk through folders and read files
 * (CAP_DAC_READ_SEARCH), or where the container lacks that, CAP_DAC_OVERRIDE.
 * @throws Error that names the folder and the mend when nothing helps
 */
export function runnerFor(ids: Ids, initdb: string, dir: string): RunAs {
  if (process.getuid!() !== 0) return { prefix: [] };
  const candidates: RunAs[] = [
    { ...ids, prefix: [] },
    ...['+dac_read_search', '+dac_override'].map((right) => withRight(ids, right)),
  ];
  const failures: string[] = [];
  for (const runAs of candidates) {
    const failure = tryRun(runAs, initdb, dir);
    if (failure === undefined) return runAs;
    failures.push(failure);
  }
  throw new Error(explain(ids, initdb, dir, failures[0]!));
}

function withRight({ uid, gid }: Ids, right: string): RunAs {
  // Without no_setuid_fixup access(2), by which PostgreSQL looks for its own programs, leaves the
  // right out of account.
  return {
    prefix: [
      'setpriv',
      `--reuid=${uid}`,
      `--regid=${gid}`,
      '--clear-groups',
      `--inh-caps=${right}`,
      `--ambient-caps=${right}`,
      '--securebits=+no_setuid_fixup',
      '--',
    ],
  };
}

/**
 * Undefined when the user can do what it must, else what went wrong. `--show` makes initdb find and
 * run postgres, and write nothing.
 */
function tryRun({ uid, gid, prefix }: RunAs, initdb: string, dir: string): string | undefined {
  const [command, ...args] = [
    ...prefix,
    '/bin/sh',
    '-c',
    'cd "$2" && exec "$1" --show --pgdata="$2"',
    'probe',
    initdb,
    dir,
  ];
  const { status, stderr, error } = spawnSync(command!, args, {
    uid,
    gid,
    cwd: '/',
    env: SERVER_ENV,
    encoding: 'utf8',
  });
  return status === 0 ? undefined : (error?.message ?? stderr.trim()) || 'no permission';
}

function explain(ids: Ids, initdb: string, dir: string, failure: string): string {
  const closed = [dir, initdb]
    .map((path) => firstClosedFolder(path, ids))
    .find((folder) => folder !== undefined);
  if (!closed)
    return `PostgreSQL cannot be run as the user with id ${ids.uid}: ${failure}. Set DATABASE_URL to use another server.`;
  return (
    `PostgreSQL does not run as root, and its user (id ${ids.uid}) may not enter ${closed}. ` +
    `Run "chmod o+x ${closed}", or move the checkout to a folder open to others, or start Banyan as an ordinary user, or set DATABASE_URL.`
  );
}

/** The outermost folder above `path` that the user may not enter. */
function firstClosedFolder(path: string, { uid, gid }: Ids): string | undefined {
  const folders: string[] = [];
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    folders.unshift(folder);
    if (folder === dirname(folder)) break;
  }
  return folders.find((folder) => {
    const { mode, uid: owner, gid: group } = statSync(folder);
    return !(mode & (owner === uid ? 0o100 : group === gid ? 0o010 : 0o001));
  });
}
