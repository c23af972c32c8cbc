// A conversation by AG-UI, and the answer that is made beside the first one.
import { HttpAgent } from '@ag-ui/client';
import { guestToken } from '../guest.mjs';

const server = process.env.BANYAN_URL ?? 'http://127.0.0.1:3000';
const agent = new HttpAgent({
  url: `${server}/agui`,
  threadId: 'trip-to-the-north',
  headers: { authorization: `Bearer ${await guestToken(server)}` },
});

const question = { id: 'q1', role: 'user', content: 'Where does the midnight sun begin?' };
for (const what of ['answer', 'another answer, on a branch beside it']) {
  agent.setMessages([question]);
  const { newMessages } = await agent.runAgent();
  console.log(`${what}: ${newMessages.at(-1).content}`);
}
