import {
  Agent,
  OpenAIConversationsSession,
  OpenAIProvider,
  Runner,
  setTracingDisabled,
  tool,
} from '@openai/agents';
import OpenAI from 'openai';
import { z } from 'zod';
import {
  BASE,
  check,
  COUNT,
  FAIL,
  FILE_SEEN,
  includes,
  PNG,
  run,
  TEXT_FILE,
  thrown,
  TOKEN,
} from '../flows.mjs';

setTracingDisabled(true);
const client = new OpenAI({ baseURL: `${BASE}/v1`, apiKey: TOKEN, maxRetries: 0 });
const runner = new Runner({ modelProvider: new OpenAIProvider({ openAIClient: client }) });
const agentOf = (more = {}) => new Agent({ name: 'A', model: 'fake-1', ...more });
const say = (input, { agent = agentOf(), ...more } = {}) => runner.run(agent, input, more);
const user = (...content) => [{ role: 'user', content }];
const text = (said) => ({ type: 'input_text', text: said });
const weather = tool({
  name: 'weather',
  description: 'The weather',
  parameters: z.object({ city: z.string() }),
  execute: () => 'sunny',
});

await run({
  plain: async () => includes((await say('Hello')).finalOutput, 'You said: Hello'),
  stream: async () => {
    const answer = await say('Hello', { stream: true });
    let told = '';
    for await (const piece of answer.toTextStream()) told += piece;
    includes(told, 'You said: Hello');
  },
  'many turns': async () => {
    const first = await say('One');
    const second = await say([...first.history, ...user(text('Two'))]);
    includes((await say([...second.history, ...user(text(COUNT))])).finalOutput, '3 questions');
  },
  tools: async () =>
    includes(
      (await say('Weather?', { agent: agentOf({ tools: [weather] }) })).finalOutput,
      'sunny',
    ),
  structured: async () => {
    const agent = agentOf({ outputType: z.object({ city: z.string() }) });
    const { finalOutput } = await say('Where?', { agent });
    check(finalOutput?.city === 'Paris', 'should keep to the schema', finalOutput);
  },
  picture: async () => {
    const image = `data:image/png;base64,${PNG}`;
    includes(
      (await say(user({ type: 'input_image', image }, text('See?')))).finalOutput,
      '1 image_url',
    );
  },
  file: async () => {
    const file = `data:text/plain;base64,${TEXT_FILE}`;
    const part = { type: 'input_file', file, filename: 'trees.txt' };
    includes((await say(user(part, text('Read it')))).finalOutput, FILE_SEEN);
  },
  branch: async () => {
    const root = (await say('Root')).lastResponseId;
    await say('Left', { previousResponseId: root });
    const right = (await say('Right', { previousResponseId: root })).lastResponseId;
    includes((await say(COUNT, { previousResponseId: right })).finalOutput, '3 questions');
  },
  session: async () => {
    const session = new OpenAIConversationsSession({ client });
    await say('One', { session });
    await say('Weather?', { session, agent: agentOf({ tools: [weather] }) });
    includes((await say(COUNT, { session })).finalOutput, '3 questions');
    const has = async (length) => {
      const items = await session.getItems();
      check(items.length === length, `should have ${length} items`, items);
    };
    // What was asked and answered three times, and a call with what it gave.
    await has(8);
    await session.popItem();
    await has(7);
  },
  error: async () => {
    const error = await thrown(() => say(FAIL));
    check(error.status >= 500, 'should be an HTTP error', error.message);
  },
  resume: 'resumes no stream',
  cancel: 'ends a stream by closing it alone',
});
