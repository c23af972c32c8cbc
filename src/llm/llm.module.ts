import { Global, Module } from '@nestjs/common';
import { Config } from '../config/config.js';
import { providersOf } from '../config/providers.js';
import { Catalogue } from './catalogue.js';
import { LanguageModel } from './language-model.js';
import { OfflineModel } from './offline-model.js';

/** The models of the configured providers; the offline model where there are none. */
async function modelsOf(config: Config): Promise<LanguageModel> {
  const providers = providersOf(config);
  if (providers.length === 0) return new OfflineModel();
  // Loaded where it is needed alone: the library takes its time and memory.
  const { ProviderModels } = await import('./provider-models.js');
  return new ProviderModels(new Catalogue(providers, config.LLM_MODEL), {
    firstMs: config.LLM_FIRST_TOKEN_TIMEOUT_SECONDS * 1000,
    idleMs: config.LLM_IDLE_TIMEOUT_SECONDS * 1000,
    wholeMs: config.LLM_TIMEOUT_SECONDS * 1000,
  });
}

@Global()
@Module({ providers: [{ provide: LanguageModel, useFactory: modelsOf, inject: [Config] }], exports: [LanguageModel] })
export class LlmModule {}
