import type { Provider } from '../config/providers.js';
import { ModelError, type ModelInfo } from './language-model.js';

/** A model with the provider that has it, and its name there. */
export interface ListedModel {
  info: ModelInfo;
  provider: Provider;
  name: string;
}

/** The models of all providers, by the names that clients say. */
export class Catalogue {
  /** The default first. */
  readonly models: readonly ModelInfo[];
  private readonly listings: readonly ListedModel[];
  private readonly standard: ListedModel;

  /**
   * @param providers at least one @param standard name of the default model; the first one of all
   * when it is absent
   */
  constructor(
    private readonly providers: readonly Provider[],
    standard?: string,
  ) {
    const names = providers.flatMap(({ models }) => models);
    // A name that two providers have says nothing without theirs.
    const isShared = (name: string): boolean => names.indexOf(name) !== names.lastIndexOf(name);
    this.listings = providers.flatMap((one) =>
      one.models.map((name) => listing(one, name, isShared(name) ? `${one.name}/${name}` : name)),
    );
    this.standard = standard === undefined ? this.listings[0]! : this.find(standard);
    this.models = [...new Set([this.standard.info, ...this.listings.map(({ info }) => info)])];
  }

  /** @throws ModelError model_unknown */
  find(said: string | null): ListedModel {
    if (said === null) return this.standard;
    const found =
      this.listings.find(({ info }) => info.id === said) ??
      this.listings.find((one) => isCalled(one, said));
    const open = this.providers.find(({ takesAnyModel }) => takesAnyModel);
    if (found) return found;
    if (!open) throw unknown(said);
    const name = said.startsWith(`${open.name}/`) ? said.slice(open.name.length + 1) : said;
    return listing(open, name, name);
  }
}

const isCalled = ({ provider, name }: ListedModel, said: string): boolean =>
  said === `${provider.name}/${name}` || said === name;

const listing = (provider: Provider, name: string, id: string): ListedModel => ({
  info: {
    id,
    provider: provider.name,
    contextTokens: provider.contextTokens,
    outputTokens: provider.outputTokens,
  },
  provider,
  name,
});

const unknown = (said: string): ModelError =>
  new ModelError(
    'model_unknown',
    `There is no model “${said}” here. Choose another one for this chat.`,
  );
