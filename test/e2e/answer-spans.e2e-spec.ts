import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { trace } from '@opentelemetry/api';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { startTestApp, type TestApp } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { FakeProvider } from '../support/fake-provider.js';

const spans = new InMemorySpanExporter();
let provider: FakeProvider;
let server: TestApp;
let ann: TestClient;

beforeAll(async () => {
  trace.setGlobalTracerProvider(
    new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }),
  );
  provider = await FakeProvider.start();
  server = await startTestApp('postgres', provider.settings());
  ann = await TestClient.register(server.url);
});
afterAll(async () => {
  trace.disable();
  await server.close();
  await provider.close();
});

it('an answer is a span with its model and its tokens, and with no word of anybody', async () => {
  const { id } = await ann.aChat(0, { system_prompt: 'a secret prompt' });
  provider.next({ tokens: ['a ', 'secret ', 'answer'], model: 'fake-1-2026' });
  await ann.post(`/chats/${id}/messages`, { question: 'a secret question' });
  const [span] = spans.getFinishedSpans();
  expect([span!.name, span!.status.code]).toEqual(['chat fake-1', 0]);
  expect(span!.attributes).toEqual({
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': expect.any(String),
    'gen_ai.request.model': 'fake-1',
    'gen_ai.request.stream': true,
    'gen_ai.conversation.id': id,
    'gen_ai.response.model': expect.any(String),
    'gen_ai.response.finish_reasons': ['stop'],
    'gen_ai.usage.input_tokens': 7,
    'gen_ai.usage.output_tokens': 3,
    'gen_ai.server.time_to_first_token': expect.any(Number),
  });
  const { name, attributes, events, links } = span!;
  expect(JSON.stringify({ name, attributes, events, links })).not.toContain('secret');
});

it('one that failed says why', async () => {
  spans.reset();
  const { id } = await ann.aChat();
  provider.next({ status: 500 });
  const { body } = await ann.post(`/chats/${id}/messages`, { question: 'q' });
  const [span] = spans.getFinishedSpans();
  expect([span!.status.code, span!.attributes['error.type']]).toEqual([2, body.error.code]);
});
