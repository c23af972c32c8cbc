import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';

/**
 * The environment of this process, and `.env` of the working folder for what is not set there.
 * Empty texts count as not set.
 */
export function environment(folder = process.cwd()): Record<string, string | undefined> {
  return { ...parseEnv(envFile(join(folder, '.env'))), ...withoutEmpty(process.env) };
}

function envFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw new Error(
      `${path} cannot be read: ${(error as Error).message}. Mend its rights, or remove it.`,
      { cause: error },
    );
  }
}

const withoutEmpty = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
