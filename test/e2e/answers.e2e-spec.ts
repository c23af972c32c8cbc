import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { MODES, mongoUriFor, SETTINGS } from '../support/app.js';
import { AnswerReader } from '../support/answer-reader.js';
import { TestClient } from '../support/client.js';
import { runFsck, violationsOf } from '../crash/fsck.js';
import { words } from '../support/fake-provider.js';
import { type AnsweringServers, SLOW, startAnswering, stopAnswering } from './answering-servers.js';

describe.each(MODES)('answers of models, words in %s', (mode) => {
  let servers: AnsweringServers;
  let { provider, here, ann, annThere } = {} as AnsweringServers;

  beforeAll(async () => {
    servers = await startAnswering(mode);
    ({ provider, here, ann, annThere } = servers);
  });
  afterEach(() => provider.reset());
  afterAll(() => stopAnswering(servers));

  const messageOf = async (chatId: string, responseId: string) =>
    (await ann.get(`/chats/${chatId}/messages/${responseId}`)).body;
  const statusOf = async (chatId: string, responseId: string): Promise<string> =>
    (await messageOf(chatId, responseId)).status;

  describe('a post', () => {
    it('without a response answers when the answer is there', async () => {
      const { id } = await ann.aChat();
      const { status, body, headers } = await ann.post(`/chats/${id}/messages`, {
        question: 'Hi?',
      });
      expect(status).toBe(201);
      expect(body).toMatchObject({
        response: 'Hello from the fake provider.',
        status: 'complete',
        model: 'fake-1',
        version: 2,
      });
      expect(body.usage).toEqual({
        input_tokens: 7,
        output_tokens: 6,
        first_token_ms: expect.any(Number),
      });
      expect(headers.get('content-state')).toBe('stored');
      expect((await ann.get(`/chats/${id}/messages`)).body.qa_pairs).toEqual([body]);
    });

    it('with stream tells all ids before the first piece, then the pieces, and last the stored pair', async () => {
      const chat = await ann.aChat(1);
      const reader = await AnswerReader.ask(ann, chat.id, 'Hi?');
      expect([reader.response.status, reader.response.headers.get('content-type')]).toEqual([
        201,
        'text/event-stream; charset=utf-8',
      ]);
      const end = await reader.end();
      expect(reader.frames.map(({ event }) => event)).toEqual([
        'message.accepted',
        ...Array(6).fill('message.delta'),
        'message.completed',
      ]);
      const { response_id, generation_id } = reader.accepted;
      expect(reader.accepted).toMatchObject({
        chat_id: chat.id,
        root_chat_id: chat.id,
        parent_response_id: chat.pairs[0],
        seq: 2,
      });
      expect(reader.deltas.map(({ id, data }) => [id, data.n, data.response_id])).toEqual(
        Array.from({ length: 6 }, (_, i) => [`${generation_id}:${i + 1}`, i + 1, response_id]),
      );
      expect(end.data).toMatchObject({ response_id, response: reader.text, status: 'complete' });
      const { siblings: _, ...pair } = await messageOf(chat.id, response_id);
      expect(pair).toEqual(end.data);
    });

    it('with stream and a response of its own is accepted and completed at once', async () => {
      const { id } = await ann.aChat();
      const reader = await AnswerReader.ask(ann, id, 'q', { response: 'a' });
      await reader.end();
      expect(reader.frames.map(({ event }) => event)).toEqual([
        'message.accepted',
        'message.completed',
      ]);
      expect(reader.accepted).toMatchObject({
        chat_id: id,
        root_chat_id: id,
        seq: 1,
        parent_response_id: null,
      });
    });

    it('gives the model the pairs of its branch and the system prompt, and never a word of a sibling', async () => {
      const chat = await ann.aChat(3, { system_prompt: 'Be kind.' });
      const branch = await ann.aBranch(chat.id, chat.pairs[0]!);
      await ann.append(branch, 'own', 'yes');
      await ann.post(`/chats/${branch}/messages`, { question: 'now' });
      expect(
        provider.asked[0]!.body.messages.map(({ role, content }: any) => `${role}: ${content}`),
      ).toEqual([
        'system: Be kind.',
        ...['user: q1', 'assistant: a1', 'user: own', 'assistant: yes', 'user: now'],
      ]);
    });

    it('names a chat that has no name by its first question, and leaves a name that somebody gave', async () => {
      const [unnamed, named] = [await ann.aChat(), await ann.aChat(0, { name: 'Mine' })];
      const question =
        'Where does the midnight sun begin, and when is the very best time of the year to see it?';
      for (const { id } of [unnamed, named]) await ann.post(`/chats/${id}/messages`, { question });
      expect((await ann.get(`/chats/${unnamed.id}`)).body.name).toBe(
        'Where does the midnight sun begin, and when is the very…',
      );
      expect((await ann.get(`/chats/${named.id}`)).body.name).toBe('Mine');
    });

    it.each([
      ['is down', { status: 500 }, null],
      ['is cut in the middle', { cutAfter: 3 }, 'Hello from the'],
      ['says nothing', { tokens: [] }, null],
      ['sends garbage', { garbageAfter: 2 }, 'Hello from'],
    ])(
      'to a provider that %s is a failed pair with a reason and what it said, and can be retried',
      async (_what, script, said) => {
        const { id } = await ann.aChat();
        provider.next(script);
        const { status, body } = await ann.post(`/chats/${id}/messages`, { question: 'Hi?' });
        expect([status, body.status, body.response]).toEqual([201, 'failed', said]);
        expect(body.error).toEqual({
          code: expect.stringMatching(/^[a-z_]+$/),
          message: expect.stringMatching(/\.$/),
        });
        const again = await ann.post(`/chats/${id}/messages/${body.response_id}/retry`);
        expect([again.status, again.body.response_id, again.body.version]).toEqual([
          201,
          body.response_id,
          3,
        ]);
        expect(again.body).toMatchObject({
          status: 'complete',
          response: 'Hello from the fake provider.',
        });
        expect(again.body.error).toBeNull();
      },
    );
  });

  describe('an answer that is being written', () => {
    it('goes on when its reader leaves, and is shown as streaming until its end', async () => {
      const { id } = await ann.aChat();
      provider.next({ tokens: words(30), delayMs: 20, gateAfter: 5 });
      const reader = await (await AnswerReader.ask(ann, id, 'q')).pieces(2);
      const { response_id } = reader.accepted;
      reader.close();
      expect(await messageOf(id, response_id)).toMatchObject({
        status: 'streaming',
        response: null,
      });
      const follower = await AnswerReader.follow(ann, id, response_id);
      provider.release();
      const end = await follower.end();
      expect(end).toMatchObject({
        event: 'message.completed',
        data: { status: 'complete', response: words(30).join('') },
      });
    });

    it.each([
      ['this instance', () => ann],
      ['another instance', () => annThere],
    ])('is resumed at %s behind the last event that a reader had', async (_where, at) => {
      const { id } = await ann.aChat();
      provider.next({ tokens: words(60), delayMs: 20, gateAfter: 20 });
      const first = await (await AnswerReader.ask(ann, id, 'q')).pieces(7);
      const { id: lastId } = first.deltas.at(-1)!;
      const had = first.text;
      const count = first.deltas.length;
      first.close();
      const rest = await AnswerReader.follow(at(), id, first.accepted.response_id, lastId!);
      await rest.pieces(1);
      provider.release();
      const end = await rest.end();
      expect(rest.deltas.map(({ data }) => data.n)).toEqual(
        Array.from({ length: 60 - count }, (_, i) => count + i + 1),
      );
      expect(had + rest.text).toBe(words(60).join(''));
      expect(end.data.response).toBe(had + rest.text);
    });

    it('that is finished gives a follower its end alone; garbage for Last-Event-ID is a 422', async () => {
      const { id } = await ann.aChat();
      const { body } = await ann.post(`/chats/${id}/messages`, { question: 'q' });
      const reader = await AnswerReader.follow(annThere, id, body.response_id);
      await reader.end();
      expect(reader.frames).toEqual([{ id: null, event: 'message.completed', data: body }]);
      const bad = await ann.get(`/chats/${id}/messages/${body.response_id}/stream`, {
        'last-event-id': 'x',
      });
      expect([bad.status, bad.body.errors[0].path]).toEqual([422, 'Last-Event-ID']);
    });

    it.each([
      ['this instance', () => ann],
      ['another instance', () => annThere],
    ])(
      'is stopped from %s: what is there is kept as cancelled, and the provider is left',
      async (_where, at) => {
        const { id } = await ann.aChat();
        provider.next(SLOW);
        const reader = await (await AnswerReader.ask(ann, id, 'q')).pieces(5);
        const path = `/chats/${id}/messages/${reader.accepted.response_id}/stop`;
        const { status, body } = await at().post(path);
        const end = await reader.end();
        expect([status, body.status, end.event]).toEqual([200, 'cancelled', 'message.completed']);
        expect([body.response, end.data.response]).toEqual([reader.text, reader.text]);
        expect(SLOW.tokens.join('').startsWith(body.response)).toBe(true);
        await provider.asked[0]!.closed;
        expect(provider.asked[0]!.aborted).toBe(true);
        // Once more it stays what it is.
        expect((await at().post(path)).body).toEqual(body);
        expect(
          (await ann.post(`/chats/${id}/messages/${body.response_id}/retry`)).body,
        ).toMatchObject({ status: 'complete', version: 3 });
      },
    );

    it('is stopped while the model has said nothing yet', async () => {
      const { id } = await ann.aChat();
      provider.next({ silent: true });
      const asking = ann.post(`/chats/${id}/messages`, { question: 'q' });
      await provider.untilAsked(1);
      const { qa_pairs } = (await ann.get(`/chats/${id}/messages`)).body;
      const { body } = await annThere.post(`/chats/${id}/messages/${qa_pairs[0].response_id}/stop`);
      expect(body).toMatchObject({ status: 'cancelled', response: null, usage: null });
      expect((await asking).body).toEqual(body);
    });

    it('of a stranger is not found, by any route', async () => {
      const { id } = await ann.aChat();
      provider.next(SLOW);
      const reader = await (await AnswerReader.ask(ann, id, 'q')).pieces(1);
      const bob = await TestClient.register(here.url);
      const path = `/chats/${id}/messages/${reader.accepted.response_id}`;
      const answers = [
        await bob.get(`${path}/stream`),
        await bob.post(`${path}/stop`),
        await bob.post(`${path}/retry`),
      ];
      expect(answers.map(({ status, body }) => [status, body.code])).toEqual(
        Array(3).fill([404, 'chat_not_found']),
      );
      expect(await statusOf(id, reader.accepted.response_id)).toBe('streaming');
      await ann.post(`${path}/stop`);
    });
  });

  it('leaves both stores of one mind', async () => {
    const mongo: Record<string, string> =
      mode === 'mongo' ? { MONGODB_URI: mongoUriFor(here.databaseUrl) } : {};
    expect(
      violationsOf(
        await runFsck({ ...SETTINGS, DATABASE_URL: here.databaseUrl, ...mongo }, '--json'),
      ),
    ).toEqual({});
  });
});
