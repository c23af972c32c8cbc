import { BASE, check, COUNT, FAIL, includes, run, TOKEN } from '../flows.mjs';

export const NAMES = { name: 'clients', version: '1' };
export const ENDPOINT = new URL(`${BASE}/mcp`);
export const HEADERS = { authorization: `Bearer ${TOKEN}` };

const WITHOUT = 'A tool of MCP answers once, in text.';
/** Agents go on in chats that are there. */
async function aChat() {
  const answer = await fetch(`${BASE}/api/v1/chats`, {
    method: 'POST',
    headers: { ...HEADERS, 'content-type': 'application/json' },
    body: '{"model":"fake-1"}',
  });
  return (await answer.json()).chat_id;
}

/** The flows of a connected client, whatever its major. */
export async function runFlows(client) {
  const use = async (name, args) => {
    const { content, isError } = await client.callTool({ name, arguments: args });
    check(!isError, 'should be no error', content);
    return JSON.parse(content[0].text);
  };
  const ask = (id, question) => use('append_message', { chat_id: id, question });
  await run({
    plain: async () => includes((await ask(await aChat(), 'Hello')).response, 'You said: Hello'),
    stream: WITHOUT,
    'many turns': async () => {
      const id = await aChat();
      for (const question of ['One', 'Two']) await ask(id, question);
      includes((await ask(id, COUNT)).response, '3 questions');
    },
    tools: async () => {
      const { tools } = await client.listTools();
      check(tools.length === 8, 'should list all tools', tools);
    },
    structured: WITHOUT,
    picture: WITHOUT,
    file: WITHOUT,
    branch: async () => {
      const id = await aChat();
      const { response_id } = await ask(id, 'One');
      const left = await use('create_branch', { chat_id: id, response_id });
      await ask(left.chat_id, 'Two');
      await ask(id, 'Three');
      const { common, right } = await use('compare_branches', { chat_id: id, with: left.chat_id });
      check(common.seq === 1 && right.qa_pairs.length === 1, 'should part after one', common);
    },
    session: async () => {
      const id = await aChat();
      await ask(id, 'Aardvarks');
      const { items } = await use('search_chats', { q: 'aardvarks', chat_id: id });
      check(items.length === 1, 'should be found', items);
      check((await use('get_branch', { chat_id: id })).qa_pairs.length === 1, 'should be read');
    },
    error: async () => {
      const { status, error } = await ask(await aChat(), FAIL);
      check(status === 'failed' && error, 'should say that it failed', status);
    },
    resume: WITHOUT,
    cancel: WITHOUT,
  });
}
