import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, linkSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { isGoodSecret } from './setting-rules.js';

const SECRET_BYTES = 32;

/**
 * The secret of a data folder (file `jwt-secret`, mode 0600); the first call makes it. Tokens stay
 * good over restarts.
 * @throws Error with the mend when the file holds something else, or cannot be read or written
 */
export function keptSecret(dataDir: string): string {
  const file = join(dataDir, 'jwt-secret');
  const secret = read(file) ?? make(file);
  if (isGoodSecret(secret)) return secret;
  throw new Error(
    `${file} does not hold a usable secret. Remove it (everybody has to log in again), or set JWT_SECRET.`,
  );
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new Error(
      `${file} cannot be read: ${(error as Error).message}. Start as its owner, or set JWT_SECRET.`,
      { cause: error },
    );
  }
}

/**
 * Written aside and linked, so that a crash leaves the whole secret or none; of two processes the
 * first one's holds.
 */
function make(file: string): string {
  const secret = randomBytes(SECRET_BYTES).toString('base64url');
  const aside = `${file}.${process.pid}`;
  rmSync(aside, { force: true });
  const fd = openSync(aside, 'wx', 0o600);
  writeSync(fd, `${secret}\n`);
  fsyncSync(fd);
  closeSync(fd);
  try {
    linkSync(aside, file);
    return secret;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return read(file)!;
    throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}
