import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { load } from 'js-yaml';
import { EventDispatcher } from '../../src/events/event-dispatcher.js';
import { ACCOUNT_EVENT_TYPES } from '../../src/events/account-changes.js';
import { FAULT_CODES } from '../../src/modules/realtime/frames.js';
import { startTestApp, type TestApp, withClient } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { claude } from '../support/exports.js';
import { aForm, PNG } from '../support/forms.js';
import { faultsOf, type Schema } from '../support/schema.js';
import { type Frame, TestSocket } from './realtime-client.js';

const fileOf = (name: string): string =>
  readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');

/** Both documents as one: `asyncapi.yaml` names the chat and the pair by `openapi.json`. */
const document = load(fileOf('asyncapi.yaml').replaceAll('openapi.json#/', '#/')) as any;
const schemas: Record<string, Schema> = {
  ...JSON.parse(fileOf('openapi.json')).components.schemas,
  ...document.components.schemas,
};
const nameOf = ({ $ref }: { $ref: string }): string => $ref.split('/').at(-1)!;
const messagesOf = (operation: string): string[] =>
  document.operations[operation].messages.map(nameOf);
const faultsIn = (frame: Frame): string[] =>
  faultsOf(frame, document.components.messages[frame.event].payload, schemas);

const FROM_CLIENTS = ['auth', 'subscribe', 'unsubscribe', 'ping'];
const TO_ONE_CLIENT = ['ready', 'subscribed', 'pong', 'error'];

let server: TestApp;
let ann: TestClient;

beforeAll(async () => {
  server = await startTestApp();
  ann = await TestClient.register(server.url);
});
afterAll(() => server.close());

/** Does everything that is told, and answers all that a client was told of it. */
async function everything(): Promise<Frame[]> {
  const { id, pairs } = await ann.aChat(1);
  const socket = await TestSocket.on(ann, id, 0);
  const branch = await ann.aBranch(id, pairs[0]!, { activate: true });
  const last = await ann.append(branch, 'q', null);
  await ann.patch(`/chats/${id}`, { active: true });
  await ann.patch(`/chats/${id}`, { name: 'x', archived: true });
  await ann.delete(`/chats/${branch}`);
  await ann.post(`/chats/${branch}/restore`);
  const dispatcher = server.app.get(EventDispatcher, { strict: false });
  const place = {
    accountId: ann.accountId,
    rootChatId: id,
    chatId: branch,
    responseId: last,
    generationId: randomUUID(),
    isLocal: true,
  };
  const thought = { type: 'reasoning' as const, delta: 'a' };
  const runs = [
    { from: 1, n: 1, delta: 'a' },
    { from: 2, n: 2, part: thought },
  ];
  dispatcher.publishDelta({ ...place, from: 1, n: 2, runs });
  await socket.next('message.part');
  for (const type of ['message.completed', 'message.failed']) await record(type, id, branch, last);
  await ann.delete(`/chats/${branch}/messages/${last}`);
  socket.say('ping');
  socket.say('subscribe', { chat_id: randomUUID() });
  await socket.next('error');
  await ann.delete(`/chats/${id}`);
  await socket.next('chat.deleted');
  socket.close();
  return [...socket.frames, ...(await everythingOfTheAccount())];
}

/** The same of those who follow the account: all that it had, and a file and an import besides. */
async function everythingOfTheAccount(): Promise<Frame[]> {
  const socket = await TestSocket.onAccount(ann, 0);
  const form = aForm({ name: 'a.png', type: 'image/png', bytes: PNG });
  const { body: file } = await ann.request('POST', '/api/v1/files', form);
  await socket.next('file.created');
  await ann.delete(`/files/${file.file_id}`);
  await ann.request('POST', '/api/v1/imports', {
    raw: JSON.stringify(claude()),
    headers: { 'content-type': 'application/json' },
  });
  await socket.next('import.progress');
  await socket.next('message.redacted');
  socket.close();
  return socket.frames;
}

/** An event of the kinds that generations make. */
async function record(
  type: string,
  rootChatId: string,
  chatId: string,
  responseId: string,
): Promise<void> {
  await withClient(server.databaseUrl, (client) =>
    client.query(
      `WITH next AS (UPDATE conversations SET event_seq = event_seq + 1 WHERE account_id = $1 AND chat_id = $2 RETURNING event_seq)
       INSERT INTO events SELECT $1, $2, event_seq, $3, $4, $5, now() FROM next`,
      [ann.accountId, rootChatId, type, chatId, responseId],
    ),
  );
}

describe('asyncapi.yaml', () => {
  it('names what is said, and nothing else', () => {
    expect(document.asyncapi).toBe('3.1.0');
    expect(messagesOf('listen').sort()).toEqual([...FROM_CLIENTS].sort());
    expect(messagesOf('tell').sort()).toEqual(
      [...ACCOUNT_EVENT_TYPES, 'message.delta', 'message.part', ...TO_ONE_CLIENT].sort(),
    );
    expect(Object.keys(document.channels.events.messages).sort()).toEqual(
      [...messagesOf('listen'), ...messagesOf('tell')].sort(),
    );
    expect(document.components.schemas.Error.properties.data.properties.code.enum.sort()).toEqual(
      [...FAULT_CODES].sort(),
    );
  });

  it('describes every frame that is sent, field by field', async () => {
    const frames = await everything();
    expect([...new Set(frames.map(({ event }) => event))].sort()).toEqual(
      messagesOf('tell').sort(),
    );
    for (const frame of frames) expect([frame.event, faultsIn(frame)]).toEqual([frame.event, []]);
  });

  it('would see a field too many, one too few, and one of a wrong kind', () => {
    const frame = {
      event: 'chat.deleted',
      data: { chat_id: randomUUID(), root_chat_id: randomUUID() },
      seq: 1,
    };
    const broken = [
      { ...frame, seq: 0 },
      { ...frame, data: { ...frame.data, x: 1 } },
      { event: frame.event, data: frame.data } as Frame,
    ];
    expect([frame, ...broken].map((one) => faultsIn(one).length)).toEqual([0, 1, 1, 1]);
  });
});
