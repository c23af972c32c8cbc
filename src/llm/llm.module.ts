import { Global, Module } from '@nestjs/common';
import { Config } from '../config/config.js';
import { providersOf } from '../config/providers.js';
import { Catalogue } from './catalogue.js';
import { LanguageModel } from './language-model.js';
import { OfflineModel } from './offline-model.js';
import { TokenCounter } from './token-counter.js';

/** The models of the configured providers; the offline model where there are none. */
async function modelsOf(config: Config, tokens: TokenCounter): Promise<LanguageModel> {
  const providers = providersOf(config);
  if (providers.length === 0) return new OfflineModel();
  // Both are loaded where they are needed alone: they take their time and memory.
  tokens.warm();
  const { ProviderModels } = await import('./provider-models.js');
  const limits = {
    firstMs: config.LLM_FIRST_TOKEN_TIMEOUT_SECONDS * 1000,
    idleMs: config.LLM_IDLE_TIMEOUT_SECONDS * 1000,
    wholeMs: config.LLM_TIMEOUT_SECONDS * 1000,
  };
  return new ProviderModels(new Catalogue(providers, config.LLM_MODEL), limits, tokens.count);
}

@Global()
@Module({
  providers: [
    TokenCounter,
    { provide: LanguageModel, useFactory: modelsOf, inject: [Config, TokenCounter] },
  ],
  exports: [LanguageModel, TokenCounter],
})
export class LlmModule {}
