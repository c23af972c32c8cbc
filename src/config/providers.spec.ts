import { banner } from './banner.js';
import { type Config, ConfigError, loadConfig } from './config.js';
import { OPENAI_URL, providersOf } from './providers.js';

const KEY = 'sk-very-secret-0123456789';
const LOCAL = {
  name: 'local',
  base_url: 'http://127.0.0.1:11434/v1/',
  models: ['llama3.3', 'meta/tiny'],
};
const json = (...providers: object[]): string => JSON.stringify(providers);

function faultsOf(env: Record<string, string>): readonly string[] {
  try {
    loadConfig(env);
    return [];
  } catch (error) {
    return (error as ConfigError).faults;
  }
}

describe('the providers of models', () => {
  it('are none when nothing is set, not even when a model is named', () => {
    expect(providersOf(loadConfig({}))).toEqual([]);
    expect(providersOf(loadConfig({ LLM_MODEL: 'gpt-5-mini' }))).toEqual([]);
  });

  it('are OpenAI for a key alone, and any other one by its address', () => {
    expect(providersOf(loadConfig({ OPENAI_API_KEY: KEY }))).toEqual([
      {
        name: 'openai',
        baseUrl: OPENAI_URL,
        apiKey: KEY,
        models: ['gpt-5-mini'],
        takesAnyModel: true,
        contextTokens: 128_000,
        outputTokens: 8192,
      },
    ]);
    const env = {
      OPENAI_BASE_URL: 'http://10.0.0.7:8000/v1/',
      LLM_MODEL: 'qwen',
      LLM_CONTEXT_TOKENS: '8192',
    };
    expect(providersOf(loadConfig(env))).toMatchObject([
      {
        baseUrl: 'http://10.0.0.7:8000/v1',
        apiKey: null,
        models: ['qwen'],
        contextTokens: 8192,
        outputTokens: 2048,
      },
    ]);
  });

  it('of a list keep their own keys, windows and names', () => {
    const list = json(LOCAL, {
      name: 'cloud',
      base_url: 'https://c.example/v1',
      api_key: KEY,
      models: ['big'],
      context_tokens: 9000,
      output_tokens: 100,
    });
    expect(providersOf(loadConfig({ LLM_PROVIDERS: list }))).toEqual([
      {
        ...fields('local', 'http://127.0.0.1:11434/v1'),
        models: LOCAL.models,
        apiKey: null,
        contextTokens: 128_000,
        outputTokens: 8192,
      },
      {
        ...fields('cloud', 'https://c.example/v1'),
        models: ['big'],
        apiKey: KEY,
        contextTokens: 9000,
        outputTokens: 100,
      },
    ]);
  });

  it('may be both, with the default among either', () => {
    const both = { OPENAI_API_KEY: KEY, LLM_PROVIDERS: json(LOCAL) };
    expect(providersOf(loadConfig(both)).map(({ models }) => models)).toEqual([
      ['gpt-5-mini'],
      LOCAL.models,
    ]);
    expect(
      providersOf(loadConfig({ ...both, LLM_MODEL: 'local/llama3.3' })).map(({ models }) => models),
    ).toEqual([['gpt-5-mini'], LOCAL.models]);
    expect(
      providersOf(loadConfig({ ...both, LLM_MODEL: 'gpt-9' })).map(({ models }) => models),
    ).toEqual([['gpt-9'], LOCAL.models]);
  });
});

const fields = (name: string, baseUrl: string): object => ({ name, baseUrl, takesAnyModel: false });

describe('a fault in the settings of models', () => {
  it.each([
    ['not JSON', `[{"name": "local", api_key: ${KEY}}]`, 'must be JSON'],
    ['no list', '{"name":"local"}', 'must be a list'],
    ['an empty list', '[]', 'must be a list'],
    ['no object', '["local"]', '[0] must be an object'],
    [
      'a field misspelt',
      json({ ...LOCAL, apikey: KEY }),
      '[0] must have no other fields than name, base_url, api_key',
    ],
    ['no name', json({ ...LOCAL, name: undefined }), '[0].name must be'],
    ['a slash in the name', json({ ...LOCAL, name: 'a/b' }), '[0].name must be'],
    ['no address', json({ ...LOCAL, base_url: 'localhost:11434' }), '[0].base_url must be an http'],
    [
      'a key in the address',
      json({ ...LOCAL, base_url: `https://user:${KEY}@c.example/v1` }),
      '[0].base_url must be an http',
    ],
    [
      'a key with a line in it',
      json({ ...LOCAL, api_key: `${KEY}\n` }),
      '[0].api_key must be the key alone',
    ],
    ['no models', json({ ...LOCAL, models: [] }), '[0].models must be a list'],
    [
      'a model twice',
      json({ ...LOCAL, models: ['a', 'a'] }),
      '[0].models must not name a model twice',
    ],
    [
      'a model without a name',
      json(LOCAL, { ...LOCAL, models: ['a', ''] }),
      '[1].models[1] must be',
    ],
    [
      'a window too small',
      json({ ...LOCAL, context_tokens: 10 }),
      '[0].context_tokens must be a whole number from 1024',
    ],
    [
      'no room for the question',
      json({ ...LOCAL, context_tokens: 2000, output_tokens: 2000 }),
      '[0].output_tokens must be a whole number from 1 to 1999',
    ],
    ['a name twice', json(LOCAL, LOCAL), 'must not have two providers called local'],
  ])('names the setting and the mend, and repeats no key: %s', (_, text, mend) => {
    const faults = faultsOf({ LLM_PROVIDERS: text });
    expect(faults).toEqual([expect.stringContaining(`LLM_PROVIDERS ${mend}`)]);
    expect(faults.join()).not.toContain('very-secret');
  });

  it.each([
    ['OPENAI_API_KEY', 'sk-with a blank'],
    ['OPENAI_BASE_URL', 'api.openai.com'],
    ['OPENAI_BASE_URL', 'ftp://api.openai.com'],
    ['OPENAI_BASE_URL', 'https://api.openai.com/v1?key=1'],
    ['LLM_MODEL', 'my model'],
    ['LLM_CONTEXT_TOKENS', '10'],
    ['LLM_TIMEOUT_SECONDS', '0'],
    ['LLM_FIRST_TOKEN_TIMEOUT_SECONDS', '301'],
    ['LLM_IDLE_TIMEOUT_SECONDS', 'never'],
  ])('refuses %s=%s', (name, value) => {
    expect(faultsOf({ [name]: value })).toEqual([
      expect.stringMatching(new RegExp(`^${name} must be `)),
    ]);
  });

  it('a default that no provider has, and two providers of one name, are told before the start', () => {
    expect(faultsOf({ LLM_PROVIDERS: json(LOCAL), LLM_MODEL: 'gpt-9' })).toEqual([
      'LLM_MODEL must be one of the models of LLM_PROVIDERS: llama3.3, meta/tiny',
    ]);
    expect(
      faultsOf({ LLM_PROVIDERS: json({ ...LOCAL, name: 'openai' }), OPENAI_API_KEY: KEY }),
    ).toEqual([
      expect.stringContaining(
        'two providers called openai (OPENAI_API_KEY and OPENAI_BASE_URL make the one called openai)',
      ),
    ]);
  });
});

it('the banner tells the models, and no key', () => {
  const shown = (env: Record<string, string>): string => banner(loadConfig(env) as Config, 3000);
  expect(shown({})).toMatch(/Models +the offline model only: set OPENAI_API_KEY/);
  const both = shown({ OPENAI_API_KEY: KEY, LLM_PROVIDERS: json({ ...LOCAL, api_key: KEY }) });
  expect(both).toMatch(/Models +gpt-5-mini \(openai\), llama3\.3, meta\/tiny \(local\)/);
  expect(both).not.toContain(KEY);
});
