import { randomBytes } from 'node:crypto';
import { plainToInstance } from 'class-transformer';
import { getMetadataStorage, validateSync } from 'class-validator';
import { FAILPOINTS } from '../common/failpoint.js';
import { environment } from './environment.js';
import { fileFaults, FileSettings } from './file-settings.js';
import * as models from './providers.js';
import { withSecretFiles } from './secret-files.js';
import {
  isAddressBlock,
  isGoodSecret,
  isHost,
  isHostRule,
  isLoopback,
  isOrigin,
  isRedisUrl,
  isSafeKeyUrl,
  List,
  OneOf,
  OnOff,
  Parsed,
  Text,
  Whole,
} from './setting-rules.js';

const DAY_SECONDS = 86_400;
const YEAR_SECONDS = 365 * DAY_SECONDS;
const NEW_SECRET = `node -p "crypto.randomBytes(32).toString('base64url')"`;

/**
 * Every setting, read once at the start. The names are those of the environment; defaults stand
 * here and nowhere else.
 * `.env.example` has a line for each (a test compares the two).
 */
export class Config extends FileSettings {
  /** Port that the server listens on; 0 takes any free one. */
  @Whole(0, 65_535)
  PORT = 3000;

  /** Address that the server listens on. 0.0.0.0 lets other machines in. */
  @Text(isHost, 'must be an address or a host name, as 127.0.0.1 or 0.0.0.0')
  HOST = '127.0.0.1';

  /** PostgreSQL to use. When absent, one is started from npm binaries in DATA_DIR. */
  @Text(
    (text) => /^postgres(ql)?:\/\/\S+$/.test(text),
    'must look like postgres://user:password@host:5432/database',
  )
  DATABASE_URL?: string;

  /**
   * MongoDB for the words. When absent they are kept in PostgreSQL; or, if that is started in
   * DATA_DIR too, and a mongod was on the PATH at the very first start, in one that is started
   * there.
   */
  @Text(
    (text) => /^mongodb(\+srv)?:\/\/\S+$/.test(text),
    'must look like mongodb://user:password@host:27017/database',
  )
  MONGODB_URI?: string;

  /**
   * Redis for sessions, cache and events between instances. When absent, they are kept in memory.
   */
  @Text(isRedisUrl, 'must look like redis://host:6379 or redis://user:password@host:6379/0')
  REDIS_URL?: string;

  /** Folder for the databases that the server starts itself, and for the secret that it makes. */
  @Text((text) => !text.includes('\0'), 'must be the path of a folder')
  DATA_DIR = './data';

  /**
   * Signs the tokens of this server (HS256). When absent, one is made and kept in DATA_DIR, if
   * PostgreSQL is there too.
   */
  @Text(
    isGoodSecret,
    `must be at least 32 characters that nobody can guess. Make one: ${NEW_SECRET}`,
  )
  JWT_SECRET?: string;

  /** Public keys of an outside issuer, whose tokens are then accepted. */
  @Text(isSafeKeyUrl, 'must be an https URL (http only to localhost)')
  JWKS_URI?: string;

  /** The `iss` that tokens of the outside issuer must have. */
  @Text((text) => text.trim() === text, 'must be the issuer exactly as its tokens name it')
  JWKS_ISSUER?: string;

  /** The `aud` that tokens of the outside issuer must have. */
  @Text((text) => text.trim() === text, 'must be the audience exactly as the tokens name it')
  JWKS_AUDIENCE?: string;

  /**
   * Key of the provider at OPENAI_BASE_URL. Without it, OPENAI_BASE_URL and LLM_PROVIDERS, the
   * offline model answers.
   */
  @Text(models.isApiKey, models.API_KEY_MEND)
  OPENAI_API_KEY?: string;

  /** Where an OpenAI-compatible provider is; OpenAI itself when only a key is set. */
  @Text(models.isProviderUrl, models.PROVIDER_URL_MEND)
  OPENAI_BASE_URL?: string;

  /**
   * The model that answers where a chat names none. When absent: gpt-5-mini, or the first one of
   * LLM_PROVIDERS.
   */
  @Text(models.isModelName, models.MODEL_NAME_MEND)
  LLM_MODEL?: string;

  /**
   * The model that names chats after their first answer. When absent, the first words of the
   * question do.
   */
  @Text(models.isModelName, models.MODEL_NAME_MEND)
  LLM_TITLE_MODEL?: string;

  /** Window of the models at OPENAI_BASE_URL, in tokens: question, context and answer together. */
  @Whole(...models.CONTEXT_TOKENS_LIMITS)
  LLM_CONTEXT_TOKENS = models.CONTEXT_TOKENS;

  /** Further providers, as JSON. */
  @Parsed(models.parseProviders)
  LLM_PROVIDERS: models.Provider[] = [];

  /** How long a whole answer may take, in seconds. */
  @Whole(1, 3600)
  LLM_TIMEOUT_SECONDS = 600;

  /** How long a model may think before the first word of its answer, in seconds. */
  @Whole(1, 300)
  LLM_FIRST_TOKEN_TIMEOUT_SECONDS = 120;

  /** How long a model may be silent in the middle of its answer, in seconds. */
  @Whole(1, 300)
  LLM_IDLE_TIMEOUT_SECONDS = 30;

  /**
   * How long an answer waits for a store that is away, before it is begun and when it ends, in
   * seconds.
   */
  @Whole(1, 3600)
  STORE_PATIENCE_SECONDS = 60;

  /** Lifetime of an access token, in seconds. */
  @Whole(1, DAY_SECONDS)
  ACCESS_TOKEN_TTL_SECONDS = 900;

  /** Lifetime of a refresh token, in seconds; each use gives a new one. */
  @Whole(1, YEAR_SECONDS)
  REFRESH_TOKEN_TTL_SECONDS = 30 * DAY_SECONDS;

  /**
   * Who may make an account by register. When absent: everybody, where only this machine can
   * connect; with HOST elsewhere it has to be set.
   */
  @OneOf(['open', 'invite', 'closed'])
  REGISTRATION?: 'open' | 'invite' | 'closed';

  /** Whether register refuses the passwords that attackers try first. */
  @OnOff()
  PASSWORD_BLOCKLIST = true;

  /** How long an idle chat session is kept, in seconds. */
  @Whole(1, YEAR_SECONDS)
  CHAT_SESSION_TTL_SECONDS = DAY_SECONDS;

  /** Requests a minute for each account; 0 is no limit. */
  @Whole(0, 10_000_000)
  RATE_LIMIT_PER_MINUTE = 6000;

  /** Requests to register, login and refresh a minute for each address; 0 is no limit. */
  @Whole(0, 10_000_000)
  RATE_LIMIT_AUTH_PER_MINUTE = 60;

  /**
   * Requests a minute for each client address without a good token, sign-ins not counted; 0 is no
   * limit.
   */
  @Whole(0, 10_000_000)
  RATE_LIMIT_STRANGERS_PER_MINUTE = 600;

  /**
   * Wrong passwords a minute for each account, from all addresses that it never signed in from
   * together; 0 is no limit.
   */
  @Whole(0, 10_000_000)
  RATE_LIMIT_PASSWORD_PER_MINUTE = 10;

  /**
   * WebSockets (of events and of chat sessions) and event streams that one account may have open at
   * this instance, at about 10 KiB each; 0 is no limit.
   */
  @Whole(0, 10_000_000)
  SOCKETS_PER_ACCOUNT = 10_000;

  /**
   * Answers of models that one account may have on their way at once, over all instances; 0 is no
   * limit.
   */
  @Whole(0, 1_000_000)
  ANSWERS_PER_ACCOUNT = 20;

  /**
   * Tokens (read and written) that models may use for one account on one day (UTC); 0 is no limit.
   */
  @Whole(0, 1_000_000_000_000)
  TOKENS_PER_DAY = 0;

  /** Web origins besides our own whose pages may call the API; `originsOf` where it is unset. */
  @List(
    isOrigin,
    'must be origins between commas, as https://chat.example.org (no path, no slash at the end)',
  )
  CORS_ORIGINS: string[] = [];

  /** Proxies whose X-Forwarded-For is believed. */
  @List(isAddressBlock, 'must be IP addresses or CIDR blocks between commas, as 10.0.0.0/8')
  TRUST_PROXY: string[] = [];

  /** Connections to PostgreSQL that this process keeps at most. */
  @Whole(2, 1000)
  DATABASE_POOL_SIZE = 8;

  /** How long an answer may be kept in the cache, in seconds. */
  @Whole(1, DAY_SECONDS)
  CACHE_TTL_SECONDS = 30;

  /** Memory for the cache of this process, in MiB, and half of it more for contexts; 0 is none. */
  @Whole(0, 1_000_000)
  CACHE_MAX_MB = 64;

  /** Words that may wait for MongoDB, in pairs; above it new ones are refused until it is back. */
  @Whole(1, 1_000_000_000)
  JOURNAL_MAX_ROWS = 50_000;

  /**
   * Words that may be in the journal altogether, in pairs: also those that MongoDB has, but has not
   * proved yet. Each pair is there for twice JOURNAL_RETENTION_SECONDS, so this is what 2,000 new
   * pairs a second need; above it new ones are refused until the relay caught up.
   */
  @Whole(1, 1_000_000_000)
  JOURNAL_HELD_MAX_ROWS = 500_000;

  /** The same in MiB of words; their tables may take three times as much of the disk. */
  @Whole(1, 1_000_000)
  JOURNAL_HELD_MAX_MB = 2048;

  /** How long the journal keeps words that MongoDB has proved to have once, in seconds. */
  @Whole(1, DAY_SECONDS)
  JOURNAL_RETENTION_SECONDS = 120;

  /** How long a deletion can be undone, in days. */
  @Whole(0, 3650)
  DELETED_RETENTION_DAYS = 30;

  /** How long the events of an account are kept for those who were away, in days. */
  @Whole(1, 3650)
  ACCOUNT_EVENTS_RETENTION_DAYS = 30;

  /** How long a temporary chat lives, in seconds. */
  @Whole(1, YEAR_SECONDS)
  TEMPORARY_CHAT_TTL_SECONDS = DAY_SECONDS;

  /**
   * Whether the server sends webhooks: on or off. What happens while it is off is told when it is
   * on again.
   */
  @OnOff()
  WEBHOOKS = true;

  /**
   * Hosts that webhooks may go to, between commas: names, addresses, and *.example.com for all
   * below a domain. Empty: any public host.
   */
  @List(isHostRule, 'must be hosts between commas, as hooks.example.com or *.example.com')
  WEBHOOK_HOSTS: string[] = [];

  /** How long the receiver of a webhook may take for its answer, in seconds. */
  @Whole(1, 60)
  WEBHOOK_TIMEOUT_SECONDS = 10;

  /** Private networks that webhooks may go to all the same; other addresses must be public. */
  @List(isAddressBlock, 'must be IP addresses or CIDR blocks between commas, as 10.20.0.0/16')
  WEBHOOK_ALLOWED_PRIVATE_NETWORKS: string[] = [];

  /**
   * File (PEM) with certificate authorities that receivers of webhooks may have, besides those that
   * Node knows.
   */
  @Text((text) => !text.includes('\0'), 'must be the path of a file')
  WEBHOOK_CA_FILE?: string;

  /** The least weighty lines that are logged. */
  @OneOf(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
  LOG_LEVEL = 'info';

  /**
   * How long the server goes on after SIGTERM while `/readyz` says 503, in seconds. Behind a load
   * balancer longer than this takes to see it, so that no request meets a closed door.
   */
  @Whole(0, 3600)
  SHUTDOWN_DELAY_SECONDS = 0;

  /** How long running requests may take to end after that, in seconds. */
  @Whole(0, 3600)
  SHUTDOWN_TIMEOUT_SECONDS = 10;

  /**
   * Where a crash test wants this process to die. Read under NODE_ENV=test alone; not for users.
   */
  @OneOf(FAILPOINTS)
  FAILPOINT?: string;

  /** Not a setting: which stores `main` started itself. `/readyz` and the banner tell it. */
  readonly embedded = { postgres: false, content: false };
}

/** All faults of the settings at once, each with its name and the mend. */
export class ConfigError extends Error {
  constructor(readonly faults: readonly string[]) {
    super(
      [
        'The settings are not usable:',
        ...faults.map((fault) => `  - ${fault}`),
        '.env.example explains every setting.',
      ].join('\n'),
    );
    this.name = 'ConfigError';
  }
}

/** Names of all settings, in the order of the class. */
export function settingNames(): (keyof Config & string)[] {
  const rules = getMetadataStorage().getTargetValidationMetadatas(Config, '', false, false);
  return [...new Set(rules.map(({ propertyName }) => propertyName as keyof Config & string))];
}

/**
 * Reads the settings. An empty text counts as not set; a secret may stand in the file that
 * `<NAME>_FILE` names.
 * @param given by default the environment, and `.env` in the working folder for what the
 * environment does not set
 * @throws ConfigError with all faults
 */
export function loadConfig(
  given: Readonly<Record<string, string | undefined>> = environment(),
): Config {
  const { env, faults: ofFiles } = withSecretFiles(given);
  const names = settingNames().filter(
    (name) => env[name] && (name !== 'FAILPOINT' || env['NODE_ENV'] === 'test'),
  );
  const config = plainToInstance(
    Config,
    Object.fromEntries(names.map((name) => [name, env[name]])),
  );
  const faults = [
    ...ofFiles,
    ...validateSync(config).flatMap(({ constraints = {} }) => Object.values(constraints)),
  ];
  // What only could not be read is not missing.
  if (ofFiles.length === 0) faults.push(...togetherFaults(config));
  if (faults.length > 0) throw new ConfigError(faults);
  return config;
}

/**
 * For programs that serve nobody and make no token: what only a server must know is not asked for,
 * and no file of it is read.
 */
export const loadToolConfig = (): Config =>
  loadConfig({
    ...environment(),
    JWT_SECRET: randomBytes(32).toString('base64url'),
    JWT_SECRET_FILE: undefined,
    REGISTRATION: 'closed',
  });

/** What no setting can be blamed for alone. */
function togetherFaults(config: Config): string[] {
  const faults: string[] = [];
  if (!config.REGISTRATION && isHost(config.HOST) && !isLoopback(config.HOST))
    faults.push(
      `REGISTRATION must be set where HOST lets other machines in: open (everybody may make an account), invite (who has an invitation) or closed (nobody)`,
    );
  if (config.JWKS_URI) {
    const missing = (['JWKS_ISSUER', 'JWKS_AUDIENCE'] as const).filter((name) => !config[name]);
    // Without them a token that the issuer made for any other service would be good here.
    faults.push(...missing.map((name) => `${name} must be set together with JWKS_URI`));
  } else if (config.DATABASE_URL && !config.JWT_SECRET) {
    faults.push(
      `JWT_SECRET (or JWKS_URI) must be set together with DATABASE_URL, the same for all instances. Make one: ${NEW_SECRET}`,
    );
  }
  faults.push(...fileFaults(config));
  // A list that could not be read has its own fault, and nothing to be compared with.
  return Array.isArray(config.LLM_PROVIDERS) ? [...faults, ...models.modelFaults(config)] : faults;
}
