import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What runs here. */
export interface BuildInfo {
  name: string;
  version: string;
  /** The git commit that an image was built from; absent when it was not said. */
  commit?: string;
}

/** Name and version from package.json, the commit from BANYAN_COMMIT, which the Dockerfile sets. */
export function buildInfo(): BuildInfo {
  const { name, version } = JSON.parse(readFileSync(packageFile(), 'utf8')) as BuildInfo;
  const commit = process.env['BANYAN_COMMIT'];
  return { name, version, ...(commit && { commit }) };
}

/**
 * The next one upwards: this file lies in src/config in the tests and in dist/src/config in a
 * build.
 */
function packageFile(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return join(folder, 'package.json');
}
