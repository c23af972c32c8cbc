import { randomUUID } from 'node:crypto';
import type { TestClient } from '../support/client.js';
import type { FakeProvider } from '../support/fake-provider.js';
import {
  asked,
  MAJORS,
  type Message,
  type Part,
  PNG,
  textOf,
  useChatTester,
} from './use-chat-tester.js';

describe.each(MAJORS)(
  'useChat of AI SDK %s, whatever its messages hold,',
  (_major, Transport, readMessages) => {
    const { answer, send, stage } = useChatTester(Transport, readMessages);
    let provider: FakeProvider;
    let ann: TestClient;
    beforeAll(() => void ({ provider, ann } = stage()));

    it('(U1) may send answers that its page made up: they are skipped, wherever they stand', async () => {
      const id = randomUUID().slice(0, 16);
      const greeting: Message = { id: 'welcome', role: 'assistant', parts: [] };
      const made: Message = {
        id: 'canned',
        role: 'assistant',
        parts: [{ type: 'text', text: 'x' }],
      };
      for (const question of ['One?', 'Two?', 'Three?']) answer(question, { tokens: [question] });
      const first = [greeting, asked('One?')];
      const { message: one } = await send(id, first);
      const second = [...first, one, made, asked('Two?')];
      const { message: two } = await send(id, second);
      const { message: three } = await send(id, [...second, two, made, made, asked('Three?')]);
      expect([two.metadata.parentId, three.metadata.parentId]).toEqual([one.id, two.id]);
      expect((await ann.request('GET', `/api/chat/${id}`)).body.messages).toHaveLength(6);
    });

    it('(U3) has what systems say told to the model, whether in the body or among the messages', async () => {
      const id = randomUUID().slice(0, 16);
      const system: Message = {
        id: 'sys',
        role: 'system',
        parts: [{ type: 'text', text: 'Answer in French.' }],
      };
      const question = asked('Who are you?');
      answer('Who are you?', { tokens: ['Je'] }, { tokens: ['Moi'] });
      answer('And now?', { tokens: ['Oui'] });
      const body = { system: 'You are a pirate' };
      const { message } = await send(id, [system, question], { body });
      await send(id, [system, question], { body, trigger: 'regenerate-message' });
      await send(id, [system, question, message, asked('And now?')], { body });
      const [shown] = (await ann.request('GET', `/api/chat/${id}`)).body.messages;
      expect(shown).toMatchObject({ role: 'system', parts: system.parts });
      const told = provider.asked.filter(({ body }) =>
        ['Who are you?', 'And now?'].includes(body.messages.at(-1).content),
      );
      expect(told).toHaveLength(3);
      for (const { body } of told) {
        const words = JSON.stringify(body.messages.filter(({ role }: any) => role === 'system'));
        expect(words).toContain('You are a pirate');
        expect(words).toContain('Answer in French.');
      }
    });

    it('(A6) is told that an answer was cut at its length, or by a filter', async () => {
      const id = randomUUID().slice(0, 16);
      answer('Long?', { tokens: ['Half an ans'], finishReason: 'length' });
      answer('Bad?', { tokens: ['Half'], finishReason: 'content_filter' });
      const { parts, message } = await send(id, [asked('Long?')]);
      expect([textOf(message), parts.at(-1)]).toEqual([
        'Half an ans',
        { type: 'finish', finishReason: 'length' },
      ]);
      expect((await send(id, [asked('Bad?')])).parts.at(-1)).toEqual({
        type: 'finish',
        finishReason: 'content-filter',
      });
    });

    it('reads a question of parts as it was said: files, data, and what is not known here', async () => {
      const id = randomUUID();
      answer('What is it?', { tokens: ['A dot'] }, { tokens: ['A point'] });
      const said = {
        id: 'm1',
        role: 'user',
        parts: [
          { type: 'file', mediaType: 'image/png', filename: 'dot.png', url: PNG },
          { type: 'file', mediaType: 'image/jpeg', url: 'https://pictures.example/a.jpg' },
          { type: 'data-place', data: { lat: 1.5, tags: ['x'] } },
          { type: 'data-place', id: 'p1', data: null },
          { type: 'text', text: 'What is it?' },
        ],
      } as unknown as Message;
      await send(id, [said]);
      const { body } = await ann.request('GET', `/api/chat/${id}`);
      expect(body.messages[0]).toMatchObject({ role: 'user', parts: said.parts });
      const { body: chat } = await ann.get(`/chats/${body.chat_id}`);
      const [{ question, question_parts: kept }] = chat.content.qa_pairs;
      expect([question, kept[0]]).toEqual([
        'What is it?',
        expect.objectContaining({ media_type: 'image/png', name: 'dot.png', bytes: 68 }),
      ]);
      expect(JSON.stringify(kept)).not.toContain('base64');
      // A page that has the address of its bytes alone says that.
      const link = `${ann.url}/api/v1/files/${kept[0].file_id}/content`;
      const linked = { ...said.parts[0], url: link } as Message['parts'][0];
      await send(id, [{ ...said, parts: [linked, said.parts.at(-1)!] }]);
      const again = (await ann.request('GET', `/api/chat/${id}`)).body.messages[0];
      expect(again.parts).toEqual([said.parts[0], said.parts.at(-1)]);
    });

    it('runs tools of its page, and all turns of the model are one message, now and when it is read again', async () => {
      const id = randomUUID();
      const turn = [
        { reasoning: 'I must look.' },
        { tool: { id: 'c1', name: 'look', input: { at: 1 } } },
      ];
      answer('Look.', { turn }, { turn: ['I saw it.'] });
      answer('And?', { tokens: ['That is all.'] });
      const question = asked('Look.');
      const body = { tools: { look: { description: 'Looks', parameters: { type: 'object' } } } };
      const { message: calling, parts } = await send(id, [question], { body });
      expect(parts.map(({ type }) => type)).toEqual(
        expect.arrayContaining(['reasoning-delta', 'tool-input-start', 'tool-input-delta']),
      );
      expect(parts.at(-1)).toEqual({ type: 'finish', finishReason: 'tool-calls' });
      const call = calling.parts.find(({ type }) => type === 'tool-look')!;
      expect(call).toMatchObject({ toolCallId: 'c1', state: 'input-available', input: { at: 1 } });
      // As `addToolOutput` does, and `sendAutomaticallyWhen` then sends it.
      Object.assign(call, { state: 'output-available', output: { seen: 1546130668394913 } });
      const more = await send(id, [question, calling], { body, messageId: calling.id });
      expect(more.parts[0]).toMatchObject({ type: 'start', messageId: calling.id });
      expect(textOf(more.message)).toBe('I saw it.');
      const [, shown, ...others] = (await ann.request('GET', `/api/chat/${id}`)).body.messages;
      const types = [...calling.parts, ...more.message.parts].map(({ type }) => type);
      expect([others, shown.id, shown.parts.map(({ type }: Part) => type)]).toEqual([
        [],
        calling.id,
        types,
      ]);
      const whole = { ...calling, parts: [...calling.parts, ...more.message.parts] };
      const { message: last } = await send(id, [question, whole, asked('And?')], { body });
      const told = provider.asked.find(({ body }) => body.messages.at(-1).content === 'And?')!.body;
      expect(told.messages.map(({ role }: any) => role)).toEqual([
        ...['user', 'assistant', 'tool', 'assistant', 'user'],
      ]);
      expect(told.tools[0].function).toMatchObject({ name: 'look', description: 'Looks' });
      expect(last.metadata).toMatchObject({ siblingCount: 1, siblingIndex: 0 });
      const { body: state } = await ann.request('GET', `/api/chat/${id}`);
      expect((await ann.get(`/chats/${state.chat_id}/branches`)).body.total).toBe(1);
    });

    it('goes on with a step that failed in its place, and reads the steps before it again', async () => {
      const id = randomUUID();
      const question = asked('Try.');
      answer(
        'Try.',
        { turn: [{ tool: { id: 'c1', name: 'look', input: {} } }] },
        { status: 500 },
        { turn: ['Done.'] },
      );
      const { message: calling } = await send(id, [question]);
      const call = calling.parts.find(({ type }) => type === 'tool-look')!;
      Object.assign(call, { state: 'output-error', errorText: 'It is dark.' });
      const { parts } = await send(id, [question, calling], { messageId: calling.id });
      expect(parts.at(-1)).toMatchObject({ type: 'error' });
      const { message } = await send(id, [question], { trigger: 'regenerate-message' });
      expect([message.id, textOf(message)]).toEqual([calling.id, 'Done.']);
      expect(message.parts.find(({ type }) => type === 'tool-look')).toMatchObject({
        state: 'output-error',
        errorText: 'It is dark.',
      });
      const { body: state } = await ann.request('GET', `/api/chat/${id}`);
      expect((await ann.get(`/chats/${state.chat_id}/branches`)).body.total).toBe(1);
    });

    it('has its own fields kept, and settings of a model passed on', async () => {
      const id = randomUUID();
      answer('Set?', { tokens: ['Yes'] });
      const callSettings = { temperature: 0.3, maxTokens: 77 };
      const body = { callSettings, webSearch: true, metadata: { page: 'home' } };
      const { message } = await send(id, [asked('Set?')], { body });
      const { body: told } = provider.asked.find(
        (one) => one.body.messages.at(-1).content === 'Set?',
      )!;
      expect(told).toMatchObject({ temperature: 0.3, max_tokens: 77 });
      const pair = await ann.get(`/chats/${message.metadata.branchId}/messages/${message.id}`);
      expect(pair.body.settings).toMatchObject({
        temperature: 0.3,
        max_output_tokens: 77,
        metadata: { webSearch: 'true', page: 'home' },
      });
    });

    it('may send a chat that is longer than a body of the API may be', async () => {
      const messages = [asked('x'.repeat(900_000)), asked('Short?')];
      answer('Short?', { tokens: ['Yes'] });
      const { message } = await send(randomUUID(), messages);
      expect(textOf(message)).toBe('Yes');
    });
  },
);
