import type { Provider } from '../config/providers.js';
import { Catalogue } from './catalogue.js';

const aProvider = (name: string, models: string[], more: Partial<Provider> = {}): Provider => ({
  name,
  baseUrl: `https://${name}.example/v1`,
  apiKey: null,
  models,
  takesAnyModel: false,
  contextTokens: 8000,
  outputTokens: 1000,
  ...more,
});
const openai = aProvider('openai', ['gpt'], { takesAnyModel: true });
const local = aProvider('local', ['llama', 'meta/tiny']);
const cloud = aProvider('cloud', ['llama', 'big']);
const idsOf = (catalogue: Catalogue): string[] => catalogue.models.map(({ id }) => id);

describe('the catalogue of models', () => {
  it('calls a model by its name, and with its provider where two have that name', () => {
    expect(idsOf(new Catalogue([openai, local, cloud]))).toEqual([
      'gpt',
      'local/llama',
      'meta/tiny',
      'cloud/llama',
      'big',
    ]);
  });

  it.each([
    ['local/llama', 'local', 'llama'],
    ['cloud/llama', 'cloud', 'llama'],
    ['llama', 'local', 'llama'],
    ['meta/tiny', 'local', 'meta/tiny'],
    ['local/meta/tiny', 'local', 'meta/tiny'],
    ['big', 'cloud', 'big'],
    [null, 'local', 'llama'],
  ])('finds %s at %s', (said, provider, name) => {
    expect(new Catalogue([local, cloud]).find(said)).toMatchObject({
      provider: { name: provider },
      name,
    });
  });

  it('has the default first, by whichever name it was chosen', () => {
    expect(idsOf(new Catalogue([local, cloud], 'cloud/big'))[0]).toBe('big');
    expect(new Catalogue([local, cloud], 'big').find(null).provider.name).toBe('cloud');
  });

  it('refuses what nobody has, and repeats the name to whoever asked', () => {
    expect(() => new Catalogue([local, cloud]).find('gpt-9')).toThrow(
      expect.objectContaining({ code: 'model_unknown' }),
    );
    expect(() => new Catalogue([local, cloud]).find('gpt-9')).toThrow(/“gpt-9”/);
  });

  it('leaves it to a provider that takes any model to know a name that nobody listed', () => {
    const catalogue = new Catalogue([openai, local]);
    expect(catalogue.find('gpt-9')).toMatchObject({
      provider: { name: 'openai' },
      name: 'gpt-9',
      info: { id: 'gpt-9' },
    });
    expect(catalogue.find('openai/gpt-9')).toMatchObject({
      provider: { name: 'openai' },
      name: 'gpt-9',
    });
    expect(catalogue.find('llama').provider.name).toBe('local');
  });
});
