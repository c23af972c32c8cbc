import type { Config } from './config.js';
import { providersOf } from './providers.js';

/**
 * Address to type into a browser on this machine: a server that listens on every address is told by
 * the one of the loopback.
 */
export function baseUrl(host: string, port: number): string {
  const reachable =
    { '0.0.0.0': '127.0.0.1', '::': '[::1]' }[host] ?? (host.includes(':') ? `[${host}]` : host);
  return `http://${reachable}:${port}`;
}

/**
 * What a person needs who has just started the server: where it is, where the data are, and a first
 * request that works as printed.
 */
export function banner(config: Config, port: number): string {
  const url = baseUrl(config.HOST, port);
  const rows = [
    ['API', `${url}/api/v1`],
    ['Docs', `${url}/docs`],
    ['State', `${url}/readyz`],
    [
      'PostgreSQL',
      config.embedded.postgres ? `started here, data in ${config.DATA_DIR}` : 'DATABASE_URL',
    ],
    ['Words', wordsOf(config)],
    ['Redis', config.REDIS_URL ? 'REDIS_URL' : 'none: sessions and cache are in memory'],
    ['Models', modelsOf(config)],
  ].map(([name, value]) => `  ${name!.padEnd(11)} ${value}`);
  return [
    '',
    `Banyan is ready: ${url}`,
    ...rows,
    ...(config.JWT_SECRET ? ['', firstRequest(url, config)] : []),
    '',
  ].join('\n');
}

function wordsOf({ MONGODB_URI, embedded, DATA_DIR }: Config): string {
  if (!MONGODB_URI) return 'in PostgreSQL';
  return embedded.content
    ? `in MongoDB, started here, data in ${DATA_DIR}`
    : 'in MongoDB (MONGODB_URI)';
}

function modelsOf(config: Config): string {
  const providers = providersOf(config);
  if (providers.length === 0)
    return 'the offline model only: set OPENAI_API_KEY, OPENAI_BASE_URL or LLM_PROVIDERS';
  return providers.map(({ name, models }) => `${models.join(', ')} (${name})`).join(', ');
}

const FIRST_STEPS = {
  open: ['Make an account', 'register', ''],
  invite: [
    'Make an account, by a token of banyan admin invite',
    'register',
    ',"invitation":"biv_…"',
  ],
  closed: ['Sign in (REGISTRATION is closed)', 'login', ''],
} as const;

function firstRequest(url: string, { REGISTRATION = 'open' }: Config): string {
  const [what, route, invitation] = FIRST_STEPS[REGISTRATION];
  return `${what}; the answer has the access_token for everything else:
  curl -s ${url}/api/v1/auth/${route} -H 'content-type: application/json' \\
    -d '{"email":"ada@example.com","password":"four small blue boats"${invitation}}'`;
}
