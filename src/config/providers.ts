/** An OpenAI-compatible endpoint that answers questions. */
export interface Provider {
  name: string;
  /** Without a slash at the end; `/chat/completions` comes behind it. */
  baseUrl: string;
  /** Sent to `baseUrl` alone. Never logged, never shown. */
  apiKey: string | null;
  /** Names of its models, the first one its default. */
  models: readonly string[];
  /** Whether it may also be asked for models that are not among `models`. */
  takesAnyModel: boolean;
  /** Size of a model's window, and what of it is kept free for the answer. */
  contextTokens: number;
  outputTokens: number;
}

export const OPENAI_URL = 'https://api.openai.com/v1';
const OPENAI_MODEL = 'gpt-5-mini';
export const CONTEXT_TOKENS = 128_000;
const OUTPUT_TOKENS_MAX = 8192;
export const CONTEXT_TOKENS_LIMITS = [1024, 100_000_000] as const;
const FIELDS = ['name', 'base_url', 'api_key', 'models', 'context_tokens', 'output_tokens'];

/** What of the settings says which models there are. */
export interface ModelSettings {
  OPENAI_API_KEY?: string;
  OPENAI_BASE_URL?: string;
  LLM_MODEL?: string;
  LLM_PROVIDERS: readonly Provider[];
  LLM_CONTEXT_TOKENS: number;
}

/** All providers, the one of OPENAI_… first; none where the offline model serves. */
export function providersOf(settings: ModelSettings): Provider[] {
  const { OPENAI_API_KEY, OPENAI_BASE_URL, LLM_MODEL, LLM_PROVIDERS, LLM_CONTEXT_TOKENS } =
    settings;
  if (!OPENAI_API_KEY && !OPENAI_BASE_URL) return [...LLM_PROVIDERS];
  const elsewhere =
    LLM_MODEL !== undefined &&
    LLM_PROVIDERS.some((provider) => namesOf(provider).includes(LLM_MODEL));
  const openai: Provider = {
    name: 'openai',
    baseUrl: withoutSlash(OPENAI_BASE_URL ?? OPENAI_URL),
    apiKey: OPENAI_API_KEY ?? null,
    models: [(elsewhere ? null : LLM_MODEL) ?? OPENAI_MODEL],
    takesAnyModel: true,
    contextTokens: LLM_CONTEXT_TOKENS,
    outputTokens: roomForAnswer(LLM_CONTEXT_TOKENS),
  };
  return [openai, ...LLM_PROVIDERS];
}

/** How a provider's models may be called: by their names, or with the provider's in front. */
export const namesOf = ({ name, models }: Provider): string[] => [
  ...models,
  ...models.map((model) => `${name}/${model}`),
];

/** What no setting about models can be blamed for alone. */
export function modelFaults(settings: ModelSettings): string[] {
  const faults: string[] = [];
  const providers = providersOf(settings);
  const names = providers.map(({ name }) => name);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) {
    const why =
      twice === 'openai' ? ' (OPENAI_API_KEY and OPENAI_BASE_URL make the one called openai)' : '';
    faults.push(`LLM_PROVIDERS must not have two providers called ${twice}${why}`);
  }
  const { LLM_MODEL } = settings;
  if (
    LLM_MODEL &&
    providers.length > 0 &&
    !providers.some((one) => one.takesAnyModel || namesOf(one).includes(LLM_MODEL))
  ) {
    faults.push(
      `LLM_MODEL must be one of the models of LLM_PROVIDERS: ${providers.flatMap(({ models }) => models).join(', ')}`,
    );
  }
  return faults;
}

/**
 * Reads LLM_PROVIDERS: `[{"name": "local", "base_url": "http://127.0.0.1:11434/v1", "models":
 * ["llama3.3"]}, …]`.
 * @throws Error whose message completes "LLM_PROVIDERS …"; it repeats no values, for a key may be
 * among them.
 */
export function parseProviders(text: string): Provider[] {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    throw new Error(
      'must be JSON: a list of providers, as [{"name":"local","base_url":"http://127.0.0.1:11434/v1","models":["llama3.3"]}]',
    );
  }
  if (!Array.isArray(list) || list.length === 0)
    throw new Error('must be a list with at least one provider: [{"name": …}]');
  return list.map((entry, at) => parseProvider(entry, `[${at}]`));
}

function parseProvider(entry: unknown, at: string): Provider {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry))
    throw new Error(`${at} must be an object with name, base_url and models`);
  const fields = entry as Record<string, unknown>;
  const unknown = Object.keys(fields).find((field) => !FIELDS.includes(field));
  if (unknown !== undefined)
    throw new Error(`${at} must have no other fields than ${FIELDS.join(', ')}`);
  const contextTokens = whole(
    fields.context_tokens ?? CONTEXT_TOKENS,
    `${at}.context_tokens`,
    ...CONTEXT_TOKENS_LIMITS,
  );
  const outputTokens = fields.output_tokens ?? roomForAnswer(contextTokens);
  return {
    name: text(
      fields.name,
      `${at}.name`,
      (name) => /^[\w.-]{1,40}$/.test(name),
      'must be 1 to 40 letters, digits, dots, dashes or underscores',
    ),
    baseUrl: withoutSlash(
      text(fields.base_url, `${at}.base_url`, isProviderUrl, PROVIDER_URL_MEND),
    ),
    apiKey:
      fields.api_key === undefined
        ? null
        : text(fields.api_key, `${at}.api_key`, isApiKey, API_KEY_MEND),
    models: modelNames(fields.models, `${at}.models`),
    takesAnyModel: false,
    contextTokens,
    outputTokens: whole(outputTokens, `${at}.output_tokens`, 1, contextTokens - 1),
  };
}

function text(value: unknown, at: string, check: (text: string) => boolean, mend: string): string {
  if (typeof value !== 'string' || !check(value)) throw new Error(`${at} ${mend}`);
  return value;
}

function whole(value: unknown, at: string, min: number, max: number): number {
  if (Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max)
    return value as number;
  throw new Error(`${at} must be a whole number from ${min} to ${max}`);
}

function modelNames(value: unknown, at: string): string[] {
  if (!Array.isArray(value) || value.length === 0)
    throw new Error(`${at} must be a list with the name of at least one model`);
  const names = value.map((name, index) =>
    text(name, `${at}[${index}]`, isModelName, MODEL_NAME_MEND),
  );
  if (new Set(names).size < names.length) throw new Error(`${at} must not name a model twice`);
  return names;
}

const roomForAnswer = (contextTokens: number): number =>
  Math.min(OUTPUT_TOKENS_MAX, Math.floor(contextTokens / 4));
const withoutSlash = (url: string): string => url.replace(/\/+$/, '');

/** An address with a key in it would end up in logs; a query cannot have a path behind it. */
export function isProviderUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, search, hash } = new URL(text);
  return /^https?:$/.test(protocol) && username + password + search + hash === '';
}

export const PROVIDER_URL_MEND =
  'must be an http or https URL without name, password or query, as https://api.openai.com/v1';
export const isApiKey = (text: string): boolean => /^[\x21-\x7e]+$/.test(text);
export const API_KEY_MEND = 'must be the key alone: printable ASCII without blanks';
export const isModelName = (text: string): boolean => /^[\x21-\x7e]{1,200}$/.test(text);
export const MODEL_NAME_MEND = 'must be 1 to 200 printable ASCII characters without blanks';
