import type { createOpenAICompatible } from '@ai-sdk/openai-compatible';

// What the library gives and takes, by its own functions: its types are in packages of their own.
export type ChatModel = ReturnType<ReturnType<typeof createOpenAICompatible>['chatModel']>;
export type CallOptions = Parameters<ChatModel['doStream']>[0];
export type ProviderPart =
  Awaited<ReturnType<ChatModel['doStream']>>['stream'] extends ReadableStream<infer Part>
    ? Part
    : never;
