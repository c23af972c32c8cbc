import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { KeyedQueue } from '../../src/common/keyed-queue.js';
import { MODES, mongoUriFor, SETTINGS } from '../support/app.js';
import { AnswerReader } from '../support/answer-reader.js';
import { runFsck, violationsOf } from '../crash/fsck.js';
import { words } from '../support/fake-provider.js';
import { type AnsweringServers, SLOW, startAnswering, stopAnswering } from './answering-servers.js';
import { until } from '../support/machine-clock.js';

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

  describe('a post to a chat whose answer is still being written', () => {
    const begin = async (): Promise<{ id: string; reader: AnswerReader; responseId: string }> => {
      const { id } = await ann.aChat();
      provider.next(SLOW);
      const reader = await (await AnswerReader.ask(ann, id, 'first')).pieces(1);
      return { id, reader, responseId: reader.accepted.response_id };
    };

    it.each([
      ['a question', 'this instance', {}, () => ann],
      ['a question', 'another instance', {}, () => annThere],
      ['a pair', 'this instance', { response: 'own' }, () => ann],
      ['a pair', 'another instance', { response: 'own' }, () => annThere],
    ])('waits its turn: %s at %s', async (_what, _where, more, at) => {
      const { id, reader, responseId } = await begin();
      let answered = false;
      const posting = at()
        .post(`/chats/${id}/messages`, { question: 'second', ...more })
        .finally(() => (answered = true));
      await sleep(300);
      expect([answered, await statusOf(id, responseId)]).toEqual([false, 'streaming']);
      provider.release();
      const { status, body } = await posting;
      expect([status, body.seq, await statusOf(id, responseId)]).toEqual([201, 2, 'complete']);
      expect((await reader.end()).event).toBe('message.completed');
      if (!('response' in more))
        expect(provider.asked.at(-1)!.body.messages[1].content).toBe(words(40).join(''));
    });

    it.each([
      ['this instance', () => ann],
      ['another instance', () => annThere],
    ])('is refused at %s, if it would rather be', async (_where, at) => {
      const { id, reader } = await begin();
      for (const more of [{}, { response: 'own' }]) {
        const { status, body } = await at().post(`/chats/${id}/messages`, {
          question: 'second',
          on_busy: 'reject',
          ...more,
        });
        expect([status, body.code]).toEqual([409, 'generation_in_progress']);
      }
      provider.release();
      await reader.end();
      expect(await ann.questionsOf(id)).toEqual(['first']);
    });

    it.each([
      ['this instance', () => ann],
      ['another instance', () => annThere],
    ])('ends the other at %s, if it interrupts', async (_where, at) => {
      const { id, reader, responseId } = await begin();
      const { status, body } = await at().post(`/chats/${id}/messages`, {
        question: 'second',
        on_busy: 'interrupt',
      });
      expect([status, body.seq, body.status]).toEqual([201, 2, 'complete']);
      const end = await reader.end();
      expect([end.data.response_id, end.data.status, end.data.response]).toEqual([
        responseId,
        'cancelled',
        reader.text,
      ]);
    });

    it('waits in the order of arrival', async () => {
      const { id } = await begin();
      const line = jest.spyOn(KeyedQueue.prototype, 'run');
      const names = ['b', 'c', 'd', 'e'];
      const answers: Promise<unknown>[] = [];
      for (const question of names) {
        answers.push(ann.post(`/chats/${id}/messages`, { question }));
        const inLine = () => line.mock.calls.filter(([key]) => key.endsWith(`:${id}`)).length;
        await until(() => inLine() === answers.length, question);
      }
      line.mockRestore();
      provider.release();
      await Promise.all(answers);
      expect(await ann.questionsOf(id)).toEqual(['first', ...names]);
    });

    it('does not hold up other branches of the conversation', async () => {
      const chat = await ann.aChat(1);
      const branch = await ann.aBranch(chat.id, chat.pairs[0]!);
      provider.next(SLOW);
      const reader = await (await AnswerReader.ask(ann, chat.id, 'slow')).pieces(1);
      const { body } = await ann.post(`/chats/${branch}/messages`, { question: 'quick' });
      expect([body.status, await statusOf(chat.id, reader.accepted.response_id)]).toEqual([
        'complete',
        'streaming',
      ]);
      provider.release();
      expect((await reader.end()).data.status).toBe('complete');
    });
  });

  describe('an Idempotency-Key', () => {
    it('of a question that is still being answered gets the same answer at both instances, which is made once', async () => {
      const { id } = await ann.aChat();
      provider.next(SLOW);
      const key = { 'idempotency-key': 'once' };
      const reader = await (await AnswerReader.ask(ann, id, 'q', {}, key)).pieces(1);
      const [again, elsewhere] = await Promise.all(
        [ann, annThere].map((one) => AnswerReader.ask(one, id, 'q', {}, key)),
      );
      provider.release();
      const ends = await Promise.all([reader, again!, elsewhere!].map((one) => one.end()));
      expect(new Set(ends.map(({ data }) => JSON.stringify(data))).size).toBe(1);
      expect([again!.text, elsewhere!.text]).toEqual([reader.text, reader.text]);
      expect([provider.asked.length, await ann.questionsOf(id)]).toEqual([1, ['q']]);
      const later = await AnswerReader.ask(annThere, id, 'q', {}, key);
      expect([(await later.end()).data, later.response.headers.get('idempotent-replayed')]).toEqual(
        [ends[0]!.data, 'true'],
      );
    });
  });

  describe('a retry', () => {
    it('of a pair that a branch inherited is a sibling branch: what is inherited never changes', async () => {
      const { id } = await ann.aChat(1);
      provider.next({ status: 500 });
      const { body: failed } = await ann.post(`/chats/${id}/messages`, { question: 'q' });
      const branch = await ann.aBranch(id, failed.response_id);
      const { status, body } = await ann.post(`/chats/${id}/messages/${failed.response_id}/retry`);
      expect([status, body.status, body.seq, body.version]).toEqual([201, 'complete', 2, 2]);
      expect([id, branch]).not.toContain(body.chat_id);
      expect(await statusOf(branch, failed.response_id)).toBe('failed');
      const { siblings } = await messageOf(id, failed.response_id);
      expect(siblings.map((one: any) => one.response_id)).toEqual([
        failed.response_id,
        body.response_id,
      ]);
    });

    it('of an answer that is complete is a 409, and streams if it is asked to', async () => {
      const { id } = await ann.aChat();
      const { body } = await ann.post(`/chats/${id}/messages`, { question: 'q' });
      const refused = await ann.post(`/chats/${id}/messages/${body.response_id}/retry`);
      expect([refused.status, refused.body.code]).toEqual([409, 'answer_not_retryable']);
      provider.next({ status: 500 });
      const { body: failed } = await ann.post(`/chats/${id}/messages`, { question: 'q2' });
      const reader = await AnswerReader.open(
        ann,
        'POST',
        `/chats/${id}/messages/${failed.response_id}/retry`,
        { stream: true },
      );
      expect([
        reader.response.status,
        (await reader.end()).data.status,
        reader.accepted.seq,
      ]).toEqual([201, 'complete', 2]);
    });
  });

  it('edit and regenerate stream too, each from a branch of its own that becomes active', async () => {
    const chat = await ann.aChat(2);
    const path = `/chats/${chat.id}/messages/${chat.pairs[1]}`;
    const edited = await AnswerReader.open(ann, 'POST', `${path}/edit`, {
      question: 'other',
      stream: true,
    });
    const again = await AnswerReader.open(ann, 'POST', `${path}/regenerate`, { stream: true });
    for (const reader of [edited, again]) {
      const end = await reader.end();
      expect([end.event, end.data.seq, end.data.response]).toEqual([
        'message.completed',
        2,
        reader.text,
      ]);
      expect(reader.accepted).toMatchObject({
        chat_id: end.data.chat_id,
        root_chat_id: chat.id,
        parent_response_id: chat.pairs[0],
      });
    }
    expect((await ann.get(`/chats/${chat.id}/branches`)).body.active_chat_id).toBe(
      again.accepted.chat_id,
    );
  });

  describe('a fan-out', () => {
    it('has several models answer side by side on sibling branches, one of which may fail', async () => {
      const chat = await ann.aChat(2);
      provider.always(({ body }) =>
        body.model === 'broken' ? { status: 500 } : { tokens: [`I am ${body.model}.`] },
      );
      const path = `/chats/${chat.id}/messages/${chat.pairs[1]}/fan-out`;
      const key = { 'idempotency-key': `fan-${mode}` };
      const models = ['fake-2', 'broken', 'fake-1'];
      const { status, body, text } = await ann.post(path, { models }, key);
      expect(status).toBe(201);
      expect(
        body.items.map(({ model, status: how, response, question, seq }: any) => [
          model,
          how,
          response,
          question,
          seq,
        ]),
      ).toEqual([
        ['fake-2', 'complete', 'I am fake-2.', 'q2', 2],
        ['broken', 'failed', null, 'q2', 2],
        ['fake-1', 'complete', 'I am fake-1.', 'q2', 2],
      ]);
      expect(new Set(body.items.map((pair: any) => pair.chat_id)).size).toBe(3);
      expect((await ann.get(`/chats/${chat.id}/branches`)).body).toMatchObject({
        active_chat_id: chat.id,
        total: 4,
      });
      expect((await annThere.post(path, { models }, key)).text).toBe(text);
    });

    it('to a model that nobody knows is a 422 that names it', async () => {
      const chat = await ann.aChat(1);
      const path = `/chats/${chat.id}/messages/${chat.pairs[0]}/fan-out`;
      const unknown = await ann.post(path, { models: ['fake-1', 'nobody'] });
      expect([unknown.status, unknown.body.errors[0].path]).toEqual([422, 'models[1]']);
      for (const models of [[], Array(9).fill('fake-1'), 'fake-1', [1], ['']])
        expect((await ann.post(path, { models })).status).toBe(422);
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
