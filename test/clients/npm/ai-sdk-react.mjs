// `useChat` of `@ai-sdk/react` on a page without a browser, against `/api/chat`.
import { randomUUID } from 'node:crypto';
import { Window } from 'happy-dom';
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

const page = new Window({ url: 'http://127.0.0.1/' });
const { HTMLElement, Node, navigator } = page;
for (const [name, value] of Object.entries({
  window: page,
  document: page.document,
  HTMLElement,
  Node,
  navigator,
}))
  Object.defineProperty(globalThis, name, { value, configurable: true });
const { createRoot } = await import('react-dom/client');
const { createElement } = await import('react');
const { useChat } = await import('@ai-sdk/react');
const { DefaultChatTransport, lastAssistantMessageIsCompleteWithToolCalls } = await import('ai');

const headers = { authorization: `Bearer ${TOKEN}` };
const until = async (is) => {
  while (!is()) await new Promise((resolve) => setTimeout(resolve, 20));
};

/** A page that shows a chat; `at.chat` is what `useChat` gave last. */
async function open({ id = randomUUID(), body = {}, ...options } = {}) {
  const at = { id };
  const transport = new DefaultChatTransport({ api: `${BASE}/api/chat`, headers, body });
  const Page = () => {
    at.chat = useChat({ id, transport, ...options });
    return null;
  };
  createRoot(page.document.createElement('div')).render(createElement(Page));
  await until(() => at.chat);
  return at;
}
const textOf = (message) =>
  (message?.parts ?? []).map((part) => (part.type === 'text' ? part.text : '')).join('');
const last = ({ chat }) => textOf(chat.messages.at(-1));
async function said(at, message) {
  await at.chat.sendMessage(message);
  await until(() => at.chat.status === 'ready' || at.chat.status === 'error');
  if (at.chat.error) throw at.chat.error;
  return last(at);
}
const stored = async ({ id }) =>
  (await (await fetch(`${BASE}/api/chat/${id}`, { headers })).json()).messages;
const see = (url, mediaType, part) => async () => {
  const files = [{ type: 'file', mediaType, filename: 'a', url }];
  includes(await said(await open(), { text: 'See?', files }), part);
};

await run({
  plain: async () => includes(await said(await open(), { text: 'Hello' }), 'You said: Hello'),
  stream: async () => {
    const at = await open();
    const sending = said(at, { text: SLOW });
    await until(() => at.chat.status === 'streaming' && last(at) !== '');
    check(last(at).length < SLOW_ANSWER.length, 'should come in pieces', last(at));
    check((await sending) === SLOW_ANSWER, 'should be whole', last(at));
  },
  'many turns': async () => {
    const at = await open();
    await said(at, { text: 'One' });
    await said(at, { text: 'Two' });
    includes(await said(at, { text: COUNT }), '3 questions');
  },
  tools: async () => {
    const at = await open({
      body: { tools: { weather: { parameters: WEATHER } } },
      sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithToolCalls,
      onToolCall: ({ toolCall: { toolName: tool, toolCallId } }) =>
        void at.chat.addToolOutput({ tool, toolCallId, output: 'sunny' }),
    });
    void at.chat.sendMessage({ text: 'Weather?' });
    await until(() => at.chat.status === 'ready' && last(at).includes('The tool says'));
    check(at.chat.messages.length === 2, 'should be one message', at.chat.messages);
    const later = await open({ id: at.id, messages: await stored(at) });
    includes(await said(later, { text: COUNT }), '2 questions');
  },
  structured: 'asks for no format',
  picture: see(`data:image/png;base64,${PNG}`, 'image/png', '1 image_url'),
  file: see(`data:text/plain;base64,${TEXT_FILE}`, 'text/plain', FILE_SEEN),
  branch: async () => {
    const at = await open();
    await said(at, { text: 'One' });
    await at.chat.regenerate();
    await until(() => at.chat.status === 'ready');
    const { siblingCount } = at.chat.messages.at(-1).metadata;
    check(siblingCount === 2, 'should have a sibling', siblingCount);
  },
  session: async () => {
    const at = await open();
    await said(at, { text: 'One' });
    const later = await open({ id: at.id, messages: await stored(at) });
    includes(await said(later, { text: COUNT }), '2 questions');
  },
  error: async () => {
    const at = await open();
    await at.chat.sendMessage({ text: FAIL });
    await until(() => at.chat.status === 'error');
  },
  resume: async () => {
    const at = await open();
    void at.chat.sendMessage({ text: SLOW });
    await until(() => at.chat.status === 'streaming' && last(at) !== '');
    await at.chat.stop();
    const later = await open({ id: at.id, messages: await stored(at), resume: true });
    await until(() => last(later) === SLOW_ANSWER);
  },
  cancel: async () => {
    const at = await open();
    void at.chat.sendMessage({ text: HANG });
    await until(() => at.chat.status === 'streaming' && last(at) !== '');
    await fetch(`${BASE}/api/chat/${at.id}/stop`, { method: 'POST', headers });
    await until(() => at.chat.status === 'ready');
  },
});
