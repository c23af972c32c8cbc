import { AIMessage, HumanMessage, ToolMessage } from '@langchain/core/messages';
import { ChatOpenAI } from '@langchain/openai';
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
  WEATHER,
} from '../flows.mjs';

const modelOf = (more = {}) =>
  new ChatOpenAI({
    model: 'fake-1',
    apiKey: TOKEN,
    maxRetries: 0,
    configuration: { baseURL: `${BASE}/v1` },
    ...more,
  });
const MODELS = [modelOf(), modelOf({ useResponsesApi: true })];
const forEach = (work) => async () => {
  for (const model of MODELS) await work(model);
};
const see = (file, part) =>
  forEach(async (model) => {
    const content = [{ type: 'text', text: 'See?' }, file];
    includes((await model.invoke([new HumanMessage({ content })])).text, part);
  });

await run({
  plain: forEach(async (model) => includes((await model.invoke('Hello')).text, 'You said: Hello')),
  stream: forEach(async (model) => {
    let text = '';
    for await (const piece of await model.stream('Hello')) text += piece.text;
    includes(text, 'You said: Hello');
  }),
  'many turns': forEach(async (model) => {
    const messages = [];
    for (const question of ['One', 'Two', COUNT]) {
      messages.push(new HumanMessage(question));
      messages.push(await model.invoke(messages));
    }
    includes(messages.at(-1).text, '3 questions');
    check(messages.at(-1) instanceof AIMessage, 'should be an answer');
  }),
  tools: forEach(async (model) => {
    const weather = { type: 'function', function: { name: 'weather', parameters: WEATHER } };
    const bound = model.bindTools([weather]);
    const question = new HumanMessage('Weather?');
    const call = await bound.invoke([question]);
    check(call.tool_calls[0]?.name === 'weather', 'should call the tool', call.tool_calls);
    const result = new ToolMessage({ content: 'sunny', tool_call_id: call.tool_calls[0].id });
    includes((await bound.invoke([question, call, result])).text, 'sunny');
  }),
  structured: forEach(async (model) => {
    // Of a schema that is no zod, 0.6 reads over responses the JSON of the answer's parts.
    const schema = z.object({ city: z.string() });
    const strict = model.withStructuredOutput(schema, { name: 'weather', method: 'jsonSchema' });
    const found = await strict.invoke('Where?');
    check(found?.city === 'Paris', 'should keep to the schema', found);
  }),
  picture: see(
    { type: 'image_url', image_url: { url: `data:image/png;base64,${PNG}` } },
    '1 image_url',
  ),
  file: see(
    {
      type: 'file',
      source_type: 'base64',
      mime_type: 'text/plain',
      data: TEXT_FILE,
      metadata: { filename: 'a.txt' },
    },
    FILE_SEEN,
  ),
  branch: async () => {
    const model = MODELS[1];
    const idOf = ({ response_metadata: { id } }) => id;
    const ask = (question, previous_response_id) =>
      model.invoke(question, { previous_response_id });
    const root = idOf(await model.invoke('Root'));
    await ask('Left', root);
    const right = idOf(await ask('Right', root));
    includes((await ask(COUNT, right)).text, '3 questions');
  },
  session: 'has no sessions of its own',
  error: forEach(async (model) => {
    const error = await thrown(() => model.invoke(FAIL));
    check(error.status >= 500, 'should be an HTTP error', error.message);
  }),
  resume: 'resumes no stream',
  cancel: 'ends a stream by closing it alone',
});
