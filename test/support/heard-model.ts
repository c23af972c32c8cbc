import { loadConfig } from '../../src/config/config.js';
import { providersOf } from '../../src/config/providers.js';
import { Catalogue } from '../../src/llm/catalogue.js';
import type { ModelError, ModelPart, ModelRequest } from '../../src/llm/language-model.js';
import type { Limits } from '../../src/llm/patience.js';
import { ProviderModels } from '../../src/llm/provider-models.js';
import type { TokenCounter } from '../../src/llm/token-counter.js';

/** Longer than any test: whatever ends before was ended on purpose. */
const PATIENT: Limits = { firstMs: 60_000, idleMs: 60_000, wholeMs: 60_000 };

/** The models that a server with these settings has. */
export function modelsOf(
  settings: Record<string, string>,
  counter: TokenCounter,
  limits: Partial<Limits> = {},
): ProviderModels {
  const config = loadConfig(settings);
  const catalogue = new Catalogue(providersOf(config), config.LLM_MODEL);
  return new ProviderModels(catalogue, { ...PATIENT, ...limits }, counter.count);
}

export const ask = (more: Partial<ModelRequest> = {}): ModelRequest => ({
  model: null,
  messages: [{ role: 'user', content: 'Why?' }],
  ...more,
});

export const never = (): AbortSignal => new AbortController().signal;

/** All that a model said, and the error that it ended with. */
export async function heard(
  model: ProviderModels,
  request = ask(),
  signal = never(),
): Promise<{ parts: ModelPart[]; text: string; error?: ModelError }> {
  const parts: ModelPart[] = [];
  const textOf = (): string =>
    parts.map((part) => (part.type === 'delta' ? part.text : '')).join('');
  try {
    for await (const part of model.stream(request, signal)) parts.push(part);
    return { parts, text: textOf() };
  } catch (error) {
    return { parts, text: textOf(), error: error as ModelError };
  }
}
