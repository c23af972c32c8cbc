import { readFileSync } from 'node:fs';

/**
 * Settings that may hold a secret. Each may stand in a file instead, which `<NAME>_FILE` names: so
 * a container gets it without showing it.
 */
export const SECRET_SETTINGS = [
  'DATABASE_URL',
  'MONGODB_URI',
  'REDIS_URL',
  'JWT_SECRET',
  'OPENAI_API_KEY',
  'LLM_PROVIDERS',
  'S3_ACCESS_KEY_ID',
  'S3_SECRET_ACCESS_KEY',
] as const;

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The environment with the texts of the named files in it (without white space around them), and
 * what is wrong with those files.
 */
export function withSecretFiles(env: Environment): { env: Environment; faults: string[] } {
  const faults: string[] = [];
  const texts: Record<string, string> = {};
  for (const name of SECRET_SETTINGS) {
    const file = env[`${name}_FILE`];
    if (!file) continue;
    const text = env[name] ? null : textOf(file);
    if (env[name])
      faults.push(`${name}_FILE must not be set together with ${name}: remove one of them`);
    else if (!text)
      faults.push(
        `${name}_FILE must be the path of a file that can be read and is not empty; ${file} is not`,
      );
    else texts[name] = text;
  }
  return { env: { ...env, ...texts }, faults };
}

function textOf(file: string): string | null {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return null;
  }
}
