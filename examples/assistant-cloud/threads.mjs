// Threads and trees of messages, as assistant-ui keeps them in its cloud.
import { AssistantCloud } from 'assistant-cloud';
import { guestToken } from '../guest.mjs';

const server = process.env.BANYAN_URL ?? 'http://127.0.0.1:3000';
const token = await guestToken(server);
const cloud = new AssistantCloud({
  baseUrl: `${server}/aui`,
  authToken: async () => token,
  telemetry: false,
});

const { thread_id: thread } = await cloud.threads.create({
  last_message_at: new Date(),
  title: 'Trees',
});
const keep = async (parent, role, text) => {
  const content = { role, content: [{ type: 'text', text }] };
  const message = { parent_id: parent, format: 'aui/v0', content };
  return (await cloud.threads.messages.create(thread, message)).message_id;
};
const question = await keep(null, 'user', 'Which tree is the oldest?');
await keep(question, 'assistant', 'An oak.');
await keep(question, 'assistant', 'A fig.');

const { messages } = await cloud.threads.messages.list(thread);
// What was said last comes first.
for (const { id, parent_id, content } of messages.reverse())
  console.log(
    `${parent_id === null ? '' : '└─ '}${content.role}: ${content.content[0].text} (${id})`,
  );
