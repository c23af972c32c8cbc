import { readFileSync } from 'node:fs';
import { load, YAML11_SCHEMA } from 'js-yaml';

export interface Service {
  image: string;
  build?: string;
  entrypoint?: string[];
  command?: string[];
  environment?: Record<string, string | number>;
  volumes?: string[];
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: { test?: string[]; disable?: boolean };
}

export interface ComposeFile {
  services: Record<'api' | 'migrate' | 'secrets' | 'postgres' | 'mongo' | 'redis', Service>;
  volumes: Record<string, unknown>;
}

/** Where the services find their secrets. */
export const SECRETS_FOLDER = '/run/banyan';

export const composeText = readFileSync(
  new URL('../../docker-compose.yml', import.meta.url),
  'utf8',
);

/** YAML with the merge keys of its version 1.1, as Docker Compose reads it. */
export const readYaml = (text: string): unknown => load(text, { schema: YAML11_SCHEMA });

/**
 * docker-compose.yml as Docker Compose reads it: `${NAME:-default}` from `env`, `$$` as a dollar
 * (Compose specification, "Interpolation"). Other forms, as `${NAME:?…}`, which stops a start where
 * nothing is prepared, are refused.
 */
export const composeFile = (env: Readonly<Record<string, string>> = {}): ComposeFile =>
  JSON.parse(JSON.stringify(readYaml(composeText)), (_key, value: unknown) =>
    typeof value === 'string' ? filledIn(value, env) : value,
  ) as ComposeFile;

const filledIn = (text: string, env: Readonly<Record<string, string>>): string =>
  text.replaceAll(
    /\$(\$|\{([A-Z_]+):-([^}]*)\}|)/g,
    (found, rest: string, name: string | undefined, fallback: string) => {
      if (rest === '$') return '$';
      if (name === undefined)
        throw new Error(`docker-compose.yml has ${found} in a form that needs something prepared`);
      return env[name] || fallback;
    },
  );

/**
 * A command as it stands, with another folder for the secrets: the one of the containers is not
 * ours to write.
 */
export const inFolder = (command: readonly string[], folder: string): [string, ...string[]] =>
  command.map((word) => word.replaceAll(SECRETS_FOLDER, folder)) as [string, ...string[]];

/** A health check as the arguments of a process. */
export function checkOf({ healthcheck }: Service): readonly string[] {
  const [kind, ...words] = healthcheck!.test!;
  return kind === 'CMD-SHELL' ? ['/bin/sh', '-c', ...words] : words;
}
