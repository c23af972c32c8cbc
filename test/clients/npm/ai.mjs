// The chat of `ai` (what `useChat` stands on) against `/api/chat`.
import {
  AbstractChat,
  DefaultChatTransport,
  lastAssistantMessageIsCompleteWithToolCalls,
} from 'ai';
import {
  BASE,
  check,
  COUNT,
  FAIL,
  FILE_SEEN,
  HANG,
  includes,
  PNG,
  run,
  SLOW,
  SLOW_ANSWER,
  TEXT_FILE,
  TOKEN,
  WEATHER,
} from '../flows.mjs';

const headers = { authorization: `Bearer ${TOKEN}` };
const transport = (more = {}) =>
  new DefaultChatTransport({ api: `${BASE}/api/chat`, headers, ...more });

class State {
  status = 'ready';
  error = undefined;
  messages = [];
  pushMessage = (message) => void (this.messages = [...this.messages, message]);
  popMessage = () => void (this.messages = this.messages.slice(0, -1));
  replaceMessage = (at, message) => void (this.messages = this.messages.with(at, message));
  snapshot = (thing) => structuredClone(thing);
}
class Chat extends AbstractChat {
  constructor({ messages = [], ...init } = {}) {
    super({ transport: transport(), ...init, state: new State() });
    this.messages = messages;
  }
}

const textOf = ({ parts }) => parts.map((part) => (part.type === 'text' ? part.text : '')).join('');
const last = (chat) => textOf(chat.messages.at(-1));
const said = async (chat, message) => {
  await chat.sendMessage(message);
  if (chat.error) throw chat.error;
  return last(chat);
};
const stored = async (chat) =>
  (await (await fetch(`${BASE}/api/chat/${chat.id}`, { headers })).json()).messages;
const until = async (is) => {
  while (!is()) await new Promise((resolve) => setTimeout(resolve, 20));
};
const see = (url, mediaType, part) => async () => {
  const chat = new Chat();
  const files = [{ type: 'file', mediaType, filename: 'a', url }];
  includes(await said(chat, { text: 'See?', files }), part);
  const [question] = await stored(chat);
  check(question.parts[0].url === url, 'should be shown again', question.parts[0]);
};

await run({
  plain: async () => includes(await said(new Chat(), { text: 'Hello' }), 'You said: Hello'),
  stream: async () => {
    const chat = new Chat();
    const sending = said(chat, { text: SLOW });
    await until(() => chat.status === 'streaming' && last(chat) !== '');
    check(last(chat).length < SLOW_ANSWER.length, 'should come in pieces', last(chat));
    check((await sending) === SLOW_ANSWER, 'should be whole', last(chat));
  },
  'many turns': async () => {
    const chat = new Chat();
    await said(chat, { text: 'One' });
    await said(chat, { text: 'Two' });
    includes(await said(chat, { text: COUNT }), '3 questions');
  },
  tools: async () => {
    const chat = new Chat({
      transport: transport({ body: { tools: { weather: { parameters: WEATHER } } } }),
      sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithToolCalls,
      onToolCall: ({ toolCall: { toolName: tool, toolCallId } }) =>
        void chat.addToolOutput({ tool, toolCallId, output: 'sunny' }),
    });
    await said(chat, { text: 'Weather?' });
    await until(() => chat.status === 'ready' && last(chat).includes('The tool says'));
    includes(last(chat), 'sunny');
    const [, shown, ...others] = await stored(chat);
    const types = ({ parts }) => parts.map(({ type, state }) => `${type} ${state ?? ''}`);
    check(others.length === 0 && chat.messages.length === 2, 'should be one message', others);
    const [now, again] = [types(chat.messages[1]), types(shown)];
    check(String(now) === String(again), 'should be shown again as it was', [now, again]);
  },
  structured: 'asks for no format',
  picture: see(`data:image/png;base64,${PNG}`, 'image/png', '1 image_url'),
  file: see(`data:text/plain;base64,${TEXT_FILE}`, 'text/plain', FILE_SEEN),
  branch: async () => {
    const chat = new Chat();
    await said(chat, { text: 'One' });
    await said(chat, { text: 'Two' });
    const { id } = chat.messages[2];
    includes(await said(chat, { text: COUNT, messageId: id }), '2 questions');
    const { siblingCount } = chat.messages.at(-1).metadata;
    check(siblingCount === 2, 'should have a sibling', siblingCount);
  },
  session: async () => {
    const chat = new Chat();
    await said(chat, { text: 'One' });
    const later = new Chat({ id: chat.id, messages: await stored(chat) });
    includes(await said(later, { text: COUNT }), '2 questions');
  },
  error: async () => {
    const chat = new Chat();
    await chat.sendMessage({ text: FAIL });
    check(chat.status === 'error', 'should be told', chat.status);
    const before = chat.messages.at(-1).id;
    await chat.regenerate();
    check(chat.messages.at(-1).id === before, 'should be tried in its place', chat.messages);
  },
  resume: async () => {
    const chat = new Chat();
    void chat.sendMessage({ text: SLOW });
    await until(() => chat.status === 'streaming' && last(chat) !== '');
    await chat.stop();
    const later = new Chat({ id: chat.id, messages: await stored(chat) });
    await later.resumeStream();
    check(last(later) === SLOW_ANSWER, 'should have all of it', last(later));
  },
  cancel: async () => {
    const chat = new Chat();
    void chat.sendMessage({ text: HANG });
    await until(() => chat.status === 'streaming' && last(chat) !== '');
    const answer = await fetch(`${BASE}/api/chat/${chat.id}/stop`, { method: 'POST', headers });
    check((await answer.json()).stopped !== null, 'should be stopped');
    await until(() => chat.status === 'ready');
  },
});
