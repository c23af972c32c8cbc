import { randomUUID } from 'node:crypto';
import {
  DefaultChatTransport as Transport6,
  readUIMessageStream as read6,
  type UIMessage,
} from 'ai6';
import { DefaultChatTransport as Transport7, readUIMessageStream as read7 } from 'ai';
import { startTestApp, type TestApp } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { FakeProvider, type Script } from '../support/fake-provider.js';

export type Part = { type: string } & Record<string, any>;
export type Message = UIMessage<any>;

export const MAJORS: [string, typeof Transport6, typeof read6][] = [
  ['6', Transport6, read6],
  ['7', Transport7 as unknown as typeof Transport6, read7 as unknown as typeof read6],
];

export const asked = (text: string, id = randomUUID().slice(0, 16)): Message => ({
  id,
  role: 'user',
  parts: [{ type: 'text', text }],
});
export const PNG =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII=';
export const textOf = (message: Message): string =>
  message.parts.map((part) => (part.type === 'text' ? part.text : '')).join('');

/** What `useChat` does, against two instances of a server; to be called within a `describe`. */
export function useChatTester(Transport: typeof Transport6, readMessages: typeof read6) {
  let server: TestApp;
  let other: TestApp;
  let provider: FakeProvider;
  let ann: TestClient;

  beforeAll(async () => {
    provider = await FakeProvider.start();
    // By what is asked: the model is also asked for titles.
    provider.always(({ body }) => scripts.get(lastAsked(body.messages))?.shift() ?? {});
    server = await startTestApp('postgres', provider.settings());
    other = await startTestApp('postgres', provider.settings(), server.databaseUrl);
    ann = await TestClient.register(server.url);
  });
  afterAll(async () => {
    await Promise.all([server.close(), other.close()]);
    await provider.close();
  });

  const scripts = new Map<string, Script[]>();
  /** Results of tools are of the question before them. */
  const lastAsked = (messages: any[]): string =>
    messages.findLast(({ role }) => role === 'user')?.content;
  const answer = (question: string, ...inTurn: Script[]) => scripts.set(question, inTurn);

  const transport = (client = ann) =>
    new Transport<Message>({
      api: `${client.url}/api/chat`,
      headers: { authorization: `Bearer ${client.token}` },
    });

  /**
   * Sends as `useChat` does and reads to the end: all parts, and the message that the client makes
   * of them.
   */
  async function send(
    chatId: string,
    messages: Message[],
    options: Partial<Parameters<InstanceType<typeof Transport6>['sendMessages']>[0]> = {},
  ) {
    const stream = await transport().sendMessages({
      chatId,
      messages,
      trigger: 'submit-message',
      messageId: undefined,
      abortSignal: undefined,
      ...options,
    } as never);
    return readAll(stream as ReadableStream<Part>);
  }

  async function readAll(
    stream: ReadableStream<Part>,
  ): Promise<{ parts: Part[]; message: Message }> {
    const [one, two] = stream.tee();
    const parts: Part[] = [];
    const collect = (async () => {
      for await (const part of one as unknown as AsyncIterable<Part>) parts.push(part);
    })();
    let message: Message = { id: '', role: 'assistant', parts: [] };
    for await (const state of readMessages<Message>({
      stream: two as never,
      onError: () => undefined,
      terminateOnError: false,
    }))
      message = structuredClone(state);
    await collect;
    return { parts, message };
  }
  return { answer, readAll, send, transport, stage: () => ({ provider, other, ann }) };
}
